"""Train a model: train.py CONFIG."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.train')

if __name__ == '__main__':
    sys.exit(main())
