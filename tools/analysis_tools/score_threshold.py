"""Find the score threshold that gives the best F1."""
import sys

from pace_mmdet.commands.threshold import main

if __name__ == '__main__':
    sys.exit(main())
