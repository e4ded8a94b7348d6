"""Fetch the HeLa frames and write them as a small data set."""
import sys

from pace_mmdet.commands.data_hela import main

if __name__ == '__main__':
    sys.exit(main())
