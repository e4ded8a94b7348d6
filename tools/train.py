"""Train a model: python tools/train.py CONFIG."""
import sys
from typing import Optional, Sequence

from pace_mmdet.commands.running import run_tool
from pace_mmdet.engine import parser_for_train, run_train


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the tool; returns its exit code."""
    args = parser_for_train().parse_args(argv)
    return run_tool(lambda: run_train(args))


if __name__ == '__main__':
    sys.exit(main())
