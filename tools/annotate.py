"""Annotate images in the browser: annotate.py IMAGES --db PROJECT."""
import sys

from pace_mmdet.commands.annotate import main

if __name__ == '__main__':
    sys.exit(main())
