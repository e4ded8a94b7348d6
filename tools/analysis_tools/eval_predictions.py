"""Score a COCO results file by LIVECell's protocol."""
import sys

from pace_mmdet.commands.score import main

if __name__ == '__main__':
    sys.exit(main())
