"""Convert a checkpoint of detectron2 or its ResNeSt fork."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.convert')

if __name__ == '__main__':
    sys.exit(main())
