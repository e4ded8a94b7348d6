"""Evaluate a model: test.py CONFIG CHECKPOINT."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.test')

if __name__ == '__main__':
    sys.exit(main())
