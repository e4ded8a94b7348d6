"""Writers of what was found, a module for each format."""
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Tuple

from . import (coco, geojson, imagej_rois, label_images, measurements,
               overlays)
from .results import FileCells

Writer = Callable[[FileCells, Path], None]


class Output(NamedTuple):
    """A file, or for pictures one a plane, that a format consists of.

    Attributes:
        ending (str): What its name ends with, behind the input's.
        write (Callable): Takes the cells and the path.
    """
    ending: str
    write: Writer


FORMATS: Dict[str, Tuple[Output, ...]] = {
    'labels': (Output('_labels.tif', label_images.write_label_image), ),
    'coco': (Output('_coco.json', coco.write_annotations),
             Output('_coco_results.json', coco.write_results)),
    'coco-polygons': (Output('_coco_polygons.json', coco.write_polygons), ),
    'roi': (Output('_rois.zip', imagej_rois.write_rois), ),
    'geojson': (Output('.geojson', geojson.write_geojson), ),
    'csv': (Output('_cells.csv', measurements.write_table), ),
    'overlay': (Output('_overlay.png', overlays.write_overlays), ),
}


def output_paths(output: Output, stem: Path,
                 shape: Tuple[int, ...]) -> List[Path]:
    """The files that an output consists of.

    Args:
        output (Output): One of a format's.
        stem (Path): Folder and start of the name.
        shape (tuple[int]): Lengths of the axes of the input's stack.
    """
    path = stem.with_name(stem.name + output.ending)
    if output.write is overlays.write_overlays:
        return overlays.overlay_paths(shape, path)
    return [path]


__all__ = ['FORMATS', 'FileCells', 'Output', 'output_paths']
