"""Score a COCO results file by LIVECell's protocol."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.score')

if __name__ == '__main__':
    sys.exit(main())
