"""ImageJ's ROI sets."""
import io
import zipfile
from pathlib import Path
from typing import List

import numpy as np
from roifile import ROI_OPTIONS, ROI_TYPE, ImagejRoi

from pace_mmdet.files import write_atomically
from pace_mmdet.masks.pixel_outlines import Polygon, pixel_outlines

from .results import FileCells

# The format has 16 bits; roifile's reading of them ends there.
MOST_PIXELS = 60535
# Commands of ImageJ's paths.
_MOVE, _LINE, _CLOSE = 0, 1, 4


def write_rois(found: FileCells, path: Path) -> None:
    """Write the cells as a ZIP file that Fiji's ROI manager opens.

    A cell is a traced ROI along the edges of its pixels; one with holes or
    several parts is a composite. Each has the name of its number, in stacks
    behind that of the plane, and the place in the stack.

    Args:
        found (FileCells): The cells.
        path (Path): The file to write.

    Raises:
        ValueError: If the image is larger than the format can hold.
    """
    largest = max(max(cells.height, cells.width) for cells in found.planes)
    if largest > MOST_PIXELS:
        raise ValueError(f'ImageJ ROIs cannot hold places beyond '
                         f'{MOST_PIXELS} pixels, the image has {largest}')
    content = io.BytesIO()
    with zipfile.ZipFile(content, 'w') as archive:
        for plane, cells in enumerate(found.planes):
            prefix, place = '', {}
            if found.of_several:
                prefix = f'{found.first_plane + plane + 1:04d}-'
                place = _place(found, plane)
            outlines = pixel_outlines(cells.crops, cells.corners)
            for number, polygons in enumerate(outlines, 1):
                name = f'{prefix}{number:05d}'
                roi = _roi(polygons, name, place)
                archive.writestr(f'{name}.roi', roi.tobytes())
    write_atomically(path, content.getvalue())


def _place(found: FileCells, plane: int) -> dict:
    """Where in a stack a ROI is, counted from 1; 0 is everywhere."""
    position = found.position(plane)
    # Only a stack with a single axis has its slices counted one by one.
    if set(position) <= set('TZC') and (len(position) > 1 or
                                        found.has_others):
        return {f'{axis.lower()}_position': index + 1
                for axis, index in position.items()}
    return dict(position=found.first_plane + plane + 1)


def _roi(polygons: List[Polygon], name: str, place: dict) -> ImagejRoi:
    rings = [ring for polygon in polygons for ring in polygon]
    corners = np.concatenate(rings)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    common = dict(
        name=name,
        left=int(left),
        top=int(top),
        right=int(right),
        bottom=int(bottom),
        options=ROI_OPTIONS.OVERLAY_BACKGROUNDS | ROI_OPTIONS.OVERLAY_LABELS,
        **place)
    if len(rings) == 1:
        return ImagejRoi(
            roitype=ROI_TYPE.TRACED,
            n_coordinates=len(corners),
            integer_coordinates=(corners - (left, top)).astype(np.int32),
            **common)
    path = np.concatenate([_ring_path(ring) for ring in rings])
    return ImagejRoi(
        roitype=ROI_TYPE.RECT,
        shape_roi_size=len(path),
        multi_coordinates=path.astype(np.float32),
        **common)


def _ring_path(ring: np.ndarray) -> np.ndarray:
    """Commands to draw a ring, each followed by its place."""
    steps = np.column_stack([np.full(len(ring), _LINE), ring])
    steps[0, 0] = _MOVE
    return np.append(steps.reshape(-1), _CLOSE)
