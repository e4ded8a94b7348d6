"""Draw what annotating a cell costs."""
import sys

from pace_mmdet.commands.cost import main

if __name__ == '__main__':
    sys.exit(main())
