"""Markdown tables."""
from typing import List, Sequence


def markdown_table(header: Sequence[str], rows: List[List[str]]) -> str:
    """A Markdown table, the first column left, the others right aligned."""
    lines = [header, ['---', *['---:'] * (len(header) - 1)], *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)
