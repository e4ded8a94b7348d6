"""Fill the paper's Table 1 from runs."""
import sys

from pace_mmdet.commands.table import main

if __name__ == '__main__':
    sys.exit(main())
