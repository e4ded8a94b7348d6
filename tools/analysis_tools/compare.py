"""Draw what models found over the truth, side by side."""
import sys

from pace_mmdet.commands.compare import main

if __name__ == '__main__':
    sys.exit(main())
