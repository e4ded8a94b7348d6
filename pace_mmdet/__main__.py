"""``python -m pace_mmdet`` is ``pace``; launchers of several processes use it.
"""
import sys

from pace_mmdet.commands.pace import main

if __name__ == '__main__':
    sys.exit(main())
