"""A table of measurements, one row a cell."""
import csv
import io
from pathlib import Path
from typing import Iterator, List

import numpy as np
from skimage.measure import regionprops

from pace_mmdet.files import write_atomically
from pace_mmdet.inference.cells import Cells

from .results import FileCells

COLUMNS = ('label', 'class', 'score', 'area', 'centroid_x', 'centroid_y',
           'box_x', 'box_y', 'box_width', 'box_height', 'major_axis',
           'minor_axis', 'orientation', 'eccentricity', 'perimeter',
           'mean_intensity', 'sum_intensity')


def write_table(found: FileCells, path: Path) -> None:
    """Write the measurements as CSV.

    Lengths and areas are in pixels (``area_um2`` beside them where the
    pixel's size is known in µm), places continuous: pixel i covers i to
    i + 1. Intensities are the file's own values; of a colour image, the mean
    of the colours. A mask's pixels count in full, also where it overlaps
    another's. The definitions are those of scikit-image's ``regionprops``.

    Args:
        found (FileCells): The cells.
        path (Path): The file to write.
    """
    size = found.pixel_size
    in_um = size is not None and size.unit == 'µm'
    text = io.StringIO()
    columns = ['file', 'plane', *found.axes.lower(), *COLUMNS]
    table = csv.writer(text)
    table.writerow(columns + ['area_um2'] * in_um)
    for plane, cells in enumerate(found.planes):
        where = [found.path.name, plane, *found.position(plane).values()]
        if not len(cells):
            continue
        for row in measure(cells, found.read(plane), found.classes):
            um2 = [round(row[3] * size.x * size.y, 4)] if in_um else []
            table.writerow(where + row + um2)
    write_atomically(path, text.getvalue())


def measure(cells: Cells, img: np.ndarray, classes) -> Iterator[List]:
    """The measurements of each cell.

    Args:
        cells (Cells): N cells.
        img (ndarray): Their image, shape (H, W) or (H, W, 3).
        classes (Sequence[str]): Names of the classes.

    Yields:
        list: Values of :data:`COLUMNS`.
    """
    boxes = cells.mask_boxes
    for row, crop in enumerate(cells.crops):
        x1, y1, x2, y2 = boxes[row]
        values = img[y1:y2, x1:x2].astype(np.float64)
        if values.ndim == 3:
            values = values.mean(axis=2)
        region, = regionprops(crop.astype(np.uint8))
        y, x = region.centroid
        inside = values[crop]
        yield [
            row + 1, classes[cells.labels[row]],
            round(float(cells.scores[row]), 4), len(inside),
            *_rounded(x + x1 + 0.5, y + y1 + 0.5), int(x1), int(y1),
            int(x2 - x1), int(y2 - y1),
            *_rounded(region.axis_major_length, region.axis_minor_length,
                      region.orientation, region.eccentricity,
                      region.perimeter, inside.mean(), inside.sum())
        ]


def _rounded(*values: float) -> List[float]:
    return [round(float(value), 4) for value in values]
