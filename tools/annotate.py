"""Annotate images in the browser: annotate.py IMAGES --db PROJECT."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.annotate')

if __name__ == '__main__':
    sys.exit(main())
