"""What a user can put right, said so that it can be."""
from pathlib import Path
from typing import Callable, List, Union

import numpy as np

MAX_LISTED = 20


class UserError(Exception):
    """Something that the user can put right; the message says how."""


class AnnotationError(UserError):
    """An annotation file cannot be used; the message lists its faults."""


class ImageFileError(UserError):
    """An image file is missing, broken or not what its annotation says."""


class Faults:
    """Collects the faults of one file or folder.

    The first :data:`MAX_LISTED` are kept as text, the others are counted.

    Args:
        source (str or Path): What the faults were found in.
        error (type): The exception that :meth:`raise_if_any` raises.
    """

    def __init__(self,
                 source: Union[str, Path],
                 error: type = AnnotationError) -> None:
        self.source = source
        self.error = error
        self.listed: List[str] = []
        self.count = 0

    def __bool__(self) -> bool:
        return self.count > 0

    def add(self, fault: str) -> None:
        """Note one fault."""
        self.count += 1
        if len(self.listed) < MAX_LISTED:
            self.listed.append(fault)

    def add_where(self, wrong: np.ndarray, describe: Callable[[int],
                                                              str]) -> None:
        """Note a fault for each true element.

        Args:
            wrong (ndarray): Booleans, shape (N, ).
            describe (Callable): Gives the text for an index; only called
                for those that are listed.
        """
        rows = np.flatnonzero(wrong)
        room = MAX_LISTED - len(self.listed)
        self.listed.extend(describe(int(i)) for i in rows[:room])
        self.count += len(rows)

    def raise_if_any(self, advice: str = '') -> None:
        """Raise one error with everything noted so far, if anything is.

        Args:
            advice (str): What the user should do, put after the list.
        """
        if not self:
            return
        noun = 'fault' if self.count == 1 else 'faults'
        lines = [f'{self.source}: {self.count} {noun}']
        lines += [f'  - {fault}' for fault in self.listed]
        if self.count > len(self.listed):
            lines.append(f'  ... and {self.count - len(self.listed)} more')
        if advice:
            lines.append(advice)
        raise self.error('\n'.join(lines))
