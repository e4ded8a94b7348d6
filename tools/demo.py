"""Train from points on real cells, evaluate and draw the result."""
import sys

from pace_mmdet.commands.demo import main

if __name__ == '__main__':
    sys.exit(main())
