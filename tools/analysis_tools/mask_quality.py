"""Measure masks where the box is known."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.quality')

if __name__ == '__main__':
    sys.exit(main())
