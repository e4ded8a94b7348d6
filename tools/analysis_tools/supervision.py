"""Draw what full masks and what points ask of an annotator (Fig. 1)."""
import sys

from pace_mmdet.commands.supervision import main

if __name__ == '__main__':
    sys.exit(main())
