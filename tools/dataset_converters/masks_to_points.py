"""Make boxes and labelled points of a COCO file with masks."""
import sys

from pace_mmdet.commands.data_points import main

if __name__ == '__main__':
    sys.exit(main())
