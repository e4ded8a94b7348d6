"""Writers of what was found, a module for each format."""
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Tuple

from . import (coco, geojson, imagej_rois, label_images, measurements,
               overlays, zarr_labels)
from .results import FileCells


class Output(NamedTuple):
    """A file that is written of an image file.

    Attributes:
        ending (str): What its name ends with, behind the input's.
        write (Callable): Takes the cells and the path.
    """
    ending: str
    write: Callable[[FileCells, Path], None]


_FILES: Dict[str, Tuple[Output, ...]] = {
    'labels': (Output('_labels.tif', label_images.write_label_image), ),
    'coco': (Output('_coco.json', coco.write_annotations),
             Output('_coco_results.json', coco.write_results)),
    'coco-polygons': (Output('_coco_polygons.json', coco.write_polygons), ),
    'roi': (Output('_rois.zip', imagej_rois.write_rois), ),
    'geojson': (Output('.geojson', geojson.write_geojson), ),
    'csv': (Output('_cells.csv', measurements.write_table), ),
    'zarr': (Output('_labels.zarr', zarr_labels.write_zarr_labels), ),
}
FORMATS = (*_FILES, 'overlay')
"""The names of all formats."""


def outputs_of(name: str, shape: Tuple[int, ...]) -> List[Output]:
    """The files of a format: pictures are one for each plane.

    Args:
        name (str): One of :data:`FORMATS`.
        shape (tuple[int]): Lengths of the axes of the input's stack; () for
            a single plane.
    """
    if name != 'overlay':
        return list(_FILES[name])
    return [
        Output(ending, partial(overlays.write_overlay, plane=plane))
        for plane, ending in enumerate(overlays.endings(shape))
    ]


__all__ = ['FORMATS', 'FileCells', 'Output', 'outputs_of']
