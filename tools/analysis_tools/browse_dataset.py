"""Draw what a data pipeline yields: browse_dataset.py CONFIG."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.browse')

if __name__ == '__main__':
    sys.exit(main())
