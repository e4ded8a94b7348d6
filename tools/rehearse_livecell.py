"""Rehearse the LIVECell recipe on a small synthetic copy."""
import sys

from pace_mmdet.commands.rehearse import main

if __name__ == '__main__':
    sys.exit(main())
