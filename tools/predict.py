"""Segment images: predict.py INPUT... --checkpoint K --out-dir FOLDER."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.predict')

if __name__ == '__main__':
    sys.exit(main())
