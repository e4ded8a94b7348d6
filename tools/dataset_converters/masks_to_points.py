"""Make boxes and labelled points of a COCO file with masks."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.data_points')

if __name__ == '__main__':
    sys.exit(main())
