"""Get LIVECell, make its point labels, and check it."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.data_livecell')

if __name__ == '__main__':
    sys.exit(main())
