"""Draw what annotating a cell costs."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.cost')

if __name__ == '__main__':
    sys.exit(main())
