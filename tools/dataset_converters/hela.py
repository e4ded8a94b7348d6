"""Fetch the HeLa frames and write them as a small data set."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.data_hela')

if __name__ == '__main__':
    sys.exit(main())
