"""Draw what a data pipeline yields: browse_dataset.py CONFIG."""
import sys

from pace_mmdet.commands.browse import main

if __name__ == '__main__':
    sys.exit(main())
