"""Fill the paper's Table 1 from runs."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.table')

if __name__ == '__main__':
    sys.exit(main())
