"""Draw what models found over the truth, side by side."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.compare')

if __name__ == '__main__':
    sys.exit(main())
