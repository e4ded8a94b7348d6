"""Make a COCO file with masks of images and label images."""
import sys

from pace_mmdet.commands.data_labels import main

if __name__ == '__main__':
    sys.exit(main())
