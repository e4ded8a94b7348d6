"""Train from points on real cells, evaluate and draw the result."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.demo')

if __name__ == '__main__':
    sys.exit(main())
