"""What a model proposes to an annotator, as files that need no PyTorch.

Of image ``7`` in a folder: ``7.json``, the cells (:class:`FoundCells`),
written last; ``7_labels.png``, the number of the cell that a pixel belongs
to, from 1, 0 for none, 16 bits; ``7_foreground.png``, the probability that it
is on any cell, in 1/255, if the model tells.
"""
from pathlib import Path
from typing import List, Optional

import cv2
import msgspec
import numpy as np

from pace_mmdet.errors import ImageFileError
from pace_mmdet.files import write_atomically
from pace_mmdet.images.stacks import read_image
from pace_mmdet.masks.found_cells import FoundCell, FoundCells
from pace_mmdet.masks.outlines import bitmap_outline

from .cells import Cells
from .foreground import foreground_of_image
from .segmenter import Segmenter

# Of an outline, in pixels: finer is not seen.
_TOLERANCE = 0.5
_MOST_CELLS = 2**16 - 1


def propose(segmenter: Segmenter,
            path: Path,
            out: Path,
            name: str,
            page: Optional[int] = None,
            channel: Optional[int] = None) -> int:
    """Find the cells of an image, and write them.

    Args:
        segmenter (Segmenter): The model.
        path (Path): The image file.
        out (Path): Folder for the files.
        name (str): What their names begin with.
        page (int, optional): Plane to read of files with more than one.
        channel (int, optional): Channel to read.

    Returns:
        int: How many cells there are.
    """
    try:
        img = segmenter.preparation.intensities(
            read_image(path, page, channel))
    except (ImageFileError, ValueError) as error:
        _write(out, name, FoundCells(error=str(error)))
        return 0
    (_, segmented), = segmenter.stream([(0, img)])
    cells = segmented.cells
    cells = cells[np.argsort(-cells.scores, kind='stable')[:_MOST_CELLS]]
    _write_png(out / f'{name}_labels.png', cells.label_image(np.uint16))
    foreground = foreground_of_image(segmenter, img)
    if foreground is not None:
        _write_png(out / f'{name}_foreground.png', foreground)
    _write(out, name, FoundCells(found_cells(cells)))
    return len(cells)


def found_cells(cells: Cells) -> List[FoundCell]:
    """Boxes, scores and outlines of N cells."""
    found = []
    for score, (x1, y1, x2, y2), crop, corner in zip(
            cells.scores.tolist(), cells.mask_boxes.tolist(), cells.crops,
            cells.corners.tolist()):
        rings = bitmap_outline(crop, corner)
        outer = max((ring.astype(np.float32) for ring in rings),
                    key=cv2.contourArea)
        outer = cv2.approxPolyDP(outer, _TOLERANCE, True)[:, 0]
        found.append(FoundCell(
            (x1, y1, x2 - x1, y2 - y1), round(score, 4),
            [tuple(corner) for corner in outer.round(1).tolist()]))
    return found


def _write(out: Path, name: str, found: FoundCells) -> None:
    write_atomically(out / f'{name}.json', msgspec.json.encode(found))


def _write_png(path: Path, img: np.ndarray) -> None:
    write_atomically(path, cv2.imencode('.png', img)[1].tobytes())
