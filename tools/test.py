"""Evaluate a model: test.py CONFIG CHECKPOINT."""
import sys

from pace_mmdet.commands.test import main

if __name__ == '__main__':
    sys.exit(main())
