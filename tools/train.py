"""Train a model: train.py CONFIG."""
import sys

from pace_mmdet.commands.train import main

if __name__ == '__main__':
    sys.exit(main())
