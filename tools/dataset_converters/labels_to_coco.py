"""Make a COCO file with masks of images and label images."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.data_labels')

if __name__ == '__main__':
    sys.exit(main())
