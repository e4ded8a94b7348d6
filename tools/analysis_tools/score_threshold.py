"""Find the score threshold that gives the best F1."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.threshold')

if __name__ == '__main__':
    sys.exit(main())
