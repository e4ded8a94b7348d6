"""Convert a checkpoint of detectron2 or its ResNeSt fork."""
import sys

from pace_mmdet.commands.convert import main

if __name__ == '__main__':
    sys.exit(main())
