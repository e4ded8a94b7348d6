"""A table of measurements, one row a cell."""
import csv
import io
from pathlib import Path
from typing import List, Optional, Tuple

import numpy as np

from pace_mmdet.files import atomic_file
from pace_mmdet.inference.cells import Cells
from pace_mmdet.inference.shape_measures import measure_shapes

from .results import FileCells

COLUMNS = ('label', 'class', 'score', 'area', 'centroid_x', 'centroid_y',
           'box_x', 'box_y', 'box_width', 'box_height', 'major_axis',
           'minor_axis', 'orientation', 'eccentricity', 'perimeter',
           'mean_intensity', 'sum_intensity')
_WHOLE = [COLUMNS.index(name) for name in (
    'label', 'class', 'area', 'box_x', 'box_y', 'box_width', 'box_height')]


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
    with atomic_file(path) as file:
        file.write(table_head(found).encode())
        for plane, cells in enumerate(found.planes):
            if len(cells):
                values = intensities_of(cells, found.read(plane))
                rows = table_rows(found, plane, measure(cells, values))
                file.write(rows.encode())


def table_head(about: FileCells) -> str:
    """The first line of the table.

    Args:
        about (FileCells): What is known of the image file.
    """
    columns = ['file', 'plane', *about.file_axes.lower(), *COLUMNS]
    return _as_csv([columns + ['area_um2'] * (_square_um(about) is not None)])


def table_rows(about: FileCells, plane: int, measured: np.ndarray) -> str:
    """The lines of some cells of a plane.

    Args:
        about (FileCells): What is known of the image file.
        plane (int): Its number among those that were segmented.
        measured (ndarray): As of :func:`measure`.
    """
    where = [about.path.name, about.first_plane + plane,
             *about.position(plane).values()]
    um2, rows = _square_um(about), measured.round(4).tolist()
    for row, intensities in zip(rows, measured[:, -2:].tolist()):
        # As many digits as tell 32-bit floats apart, however small they are.
        row[-2:] = [float(f'{value:.9g}') for value in intensities]
        for column in _WHOLE:
            row[column] = int(row[column])
        row[1] = about.classes[row[1]]
        if um2 is not None:
            row.append(round(row[3] * um2, 4))
    return _as_csv([where + row for row in rows])


def _square_um(about: FileCells) -> Optional[float]:
    """Of a pixel, if that is known."""
    size = about.pixel_size
    known = size is not None and size.unit == 'µm'
    return size.x * size.y if known else None


def _as_csv(rows: List[list]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def intensities_of(cells: Cells, img: np.ndarray, corner: Tuple[int, int] = (
        0, 0), zoom: int = 1) -> np.ndarray:
    """Mean and sum of the intensities of cells.

    Args:
        cells (Cells): N cells.
        img (ndarray): Their image or the part of it that they lie in, shape
            (H, W) or (H, W, 3); of a colour image, the mean of the colours
            counts.
        corner (tuple[int]): Where the part begins, (x, y) in pixels of the
            cells.
        zoom (int): How many of these are one pixel of the part.

    Returns:
        ndarray: float64, shape (N, 2).
    """
    found = np.zeros((len(cells), 2))
    boxes = cells.mask_boxes - np.tile(corner, 2)
    for row, (crop, (x1, y1, x2, y2)) in enumerate(
            zip(cells.crops, boxes.tolist())):
        if zoom == 1:
            values = img[y1:y2, x1:x2]
        else:
            y, x = (np.minimum(np.arange(*side) // zoom, most - 1)
                    for side, most in zip(((y1, y2), (x1, x2)), img.shape))
            values = img[y[:, None], x]
        inside = values[crop].astype(np.float64)
        if inside.ndim > 1:
            inside = inside.mean(axis=1)
        total = inside.sum()
        found[row] = total / len(inside), total
    return found


def measure(cells: Cells, intensities: np.ndarray,
            first: int = 0) -> np.ndarray:
    """The measurements of cells.

    Args:
        cells (Cells): N cells.
        intensities (ndarray): As of :func:`intensities_of`, shape (N, 2).
        first (int): How many cells of the plane come before.

    Returns:
        ndarray: :data:`COLUMNS`, the class as its index, float64, shape
        (N, C).
    """
    boxes = cells.mask_boxes
    shapes = measure_shapes(cells.crops)
    shapes[:, :2] += boxes[:, :2]
    return np.column_stack([
        first + 1 + np.arange(len(cells)), cells.labels, cells.scores,
        cells.areas, shapes[:, :2], boxes[:, :2], boxes[:, 2:] - boxes[:, :2],
        shapes[:, 2:], intensities])
