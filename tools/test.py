"""Evaluate a model: python tools/test.py CONFIG CHECKPOINT."""
import sys
from typing import Optional, Sequence

from pace_mmdet.commands.running import run_tool
from pace_mmdet.engine import parser_for_test, run_test


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the tool; returns its exit code."""
    args = parser_for_test().parse_args(argv)

    def run() -> None:
        run_test(args)

    return run_tool(run)


if __name__ == '__main__':
    sys.exit(main())
