"""Rehearse the LIVECell recipe on a small synthetic copy."""
import sys

from pace_mmdet.commands.running import program

main = program('pace_mmdet.commands.rehearse')

if __name__ == '__main__':
    sys.exit(main())
