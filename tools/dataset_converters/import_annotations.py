"""Make a COCO file of the annotations of another program."""
import sys

from pace_mmdet.commands.data_import import main

if __name__ == '__main__':
    sys.exit(main())
