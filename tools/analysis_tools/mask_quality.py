"""Measure masks where the box is known."""
import sys

from pace_mmdet.commands.quality import main

if __name__ == '__main__':
    sys.exit(main())
