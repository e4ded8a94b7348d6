"""Cells on disk, as they are found: logs that may end anywhere.

A record holds the cells of one tile (or of any other part). Each process
appends to a log of its own; what a killed one did not finish is passed over.
"""
import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, Dict, List, NamedTuple, Tuple

import numpy as np

from .cells import Cells
from .stitching import Measured

# A mark, number of the part, cells, values a cell, note, bytes, checksum.
_HEAD = struct.Struct('<4sqqqqqI')
_MARK = b'cel1'


class Record(NamedTuple):
    """Where a record is.

    Attributes:
        path (Path): The log.
        offset (int): Of its content.
        length (int): Bytes of the content.
        count (int): Cells.
        width (int): Values of each cell.
        note (int): Whatever the writer noted of the part.
    """
    path: Path
    offset: int
    length: int
    count: int
    width: int
    note: int


class SpoolWriter:
    """Appends to a new log.

    Args:
        path (Path): The log.
    """

    def __init__(self, path: Path) -> None:
        self._file = open(path, 'xb')

    def append(self, number: int, found: Measured, note: int = 0) -> None:
        """Write a record.

        Args:
            number (int): Of the part.
            found (Measured): Its cells.
            note (int): See :class:`Record`.
        """
        content = _encode(found)
        head = _HEAD.pack(_MARK, number, len(found), found.values.shape[1],
                          note, len(content), zlib.crc32(content))
        self._file.write(head + content)
        # So that nothing is lost if the process is killed.
        self._file.flush()

    def close(self) -> None:
        """Close the log; what is in it survives a crash of the machine."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


class SpoolIndex:
    """All whole records of some logs, also while these grow.

    Args:
        folder (Path): Of the logs.
        pattern (str): What their names fit, such as ``tiles-*.log``.

    Attributes:
        records (dict[int, Record]): By the number of the part.
    """

    def __init__(self, folder: Path, pattern: str) -> None:
        self.records: Dict[int, Record] = {}
        self._folder, self._pattern = folder, pattern
        self._ends: Dict[Path, int] = {}
        self.update()

    def update(self) -> None:
        """Take in what was written since."""
        for path in sorted(self._folder.glob(self._pattern)):
            with open(path, 'rb') as file:
                file.seek(self._ends.get(path, 0))
                while self._take(path, file):
                    self._ends[path] = file.tell()

    def _take(self, path: Path, file: BinaryIO) -> bool:
        """Read one record; False if it is not whole."""
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return False
        mark, number, count, width, note, length, checksum = \
            _HEAD.unpack(head)
        offset = file.tell()
        if mark != _MARK or zlib.crc32(file.read(length)) != checksum:
            return False
        self.records[number] = Record(path, offset, length, count, width,
                                      note)
        return True


def read_record(record: Record, height: int, width: int) -> Measured:
    """Read the cells of a part.

    Args:
        record (Record): Where they are.
        height (int): Height of the slide in pixels.
        width (int): Width of the slide in pixels.
    """
    with open(record.path, 'rb') as file:
        file.seek(record.offset)
        content = file.read(record.length)
    return _decode(content, record.count, record.width, height, width)


def _columns(count: int, width: int) -> List[Tuple[str, tuple]]:
    return [('<f8', (count, 4)), ('<f8', (count, )), ('<i8', (count, )),
            ('<i8', (count, 2)), ('<i8', (count, 2)),
            ('<f8', (count, width))]


def _encode(found: Measured) -> bytes:
    cells = found.cells
    shapes = np.array([crop.shape for crop in cells.crops],
                      np.int64).reshape(-1, 2)
    pixels = [crop.ravel() for crop in cells.crops] or [np.zeros(0, bool)]
    columns = [cells.bboxes, cells.scores, cells.labels, cells.corners,
               shapes, found.values]
    kinds = _columns(len(cells), found.values.shape[1])
    return b''.join([
        *(np.ascontiguousarray(column, kind).tobytes()
          for column, (kind, _) in zip(columns, kinds)),
        np.packbits(np.concatenate(pixels)).tobytes()])


def _decode(content: bytes, count: int, num_values: int, height: int,
            width: int) -> Measured:
    columns, offset = [], 0
    for kind, shape in _columns(count, num_values):
        size = int(np.prod(shape))
        columns.append(np.frombuffer(content, kind, size, offset).reshape(
            shape))
        offset += 8 * size
    bboxes, scores, labels, corners, shapes, values = columns
    ends = np.cumsum(shapes.prod(axis=1))
    pixels = np.unpackbits(
        np.frombuffer(content, np.uint8, -1, offset),
        count=int(ends[-1]) if count else 0).view(bool)
    # Copies: one cell that is held must not hold all of them.
    crops = [pixels[end - h * w:end].reshape(h, w).copy()
             for end, (h, w) in zip(ends.tolist(), shapes.tolist())]
    return Measured(Cells(height, width, bboxes, scores, labels, corners,
                          crops), values)
