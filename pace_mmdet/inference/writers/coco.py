"""COCO: annotations with masks, and results with scores."""
from pathlib import Path
from typing import Iterator, List

import msgspec

from pace_mmdet.coco.files import write_coco
from pace_mmdet.files import write_atomically
from pace_mmdet.inference.cells import Cells
from pace_mmdet.masks.pixel_outlines import pixel_outlines

from .results import FileCells


def write_annotations(found: FileCells, path: Path,
                      polygons: bool = False) -> None:
    """Write a COCO data set, which ``COCO(path)`` opens.

    Each plane is an image; ``page`` is its number in the file.

    Args:
        found (FileCells): The cells.
        path (Path): The file to write.
        polygons (bool): Masks as polygons along the edges of their pixels,
            which pycocotools fills to the same mask. Masks with holes, which
            COCO's polygons cannot have, stay run-length codes.
    """
    images = [
        dict(
            id=number + 1,
            file_name=found.path.name,
            height=cells.height,
            width=cells.width,
            page=found.first_plane + number)
        for number, cells in enumerate(found.planes)
    ]
    categories = [
        dict(id=number, name=name)
        for number, name in enumerate(found.classes, 1)
    ]
    write_coco(path, images, categories, _annotations(found, polygons))


def write_polygons(found: FileCells, path: Path) -> None:
    """:func:`write_annotations` with polygons."""
    write_annotations(found, path, polygons=True)


def write_results(found: FileCells, path: Path) -> None:
    """Write a COCO results file, which ``COCO.loadRes(path)`` opens."""
    keys = ('image_id', 'category_id', 'bbox', 'score', 'segmentation')
    results = [{key: annotation[key] for key in keys}
               for annotation in _annotations(found, False)]
    write_atomically(path, msgspec.json.encode(results))


def _annotations(found: FileCells, polygons: bool) -> Iterator[dict]:
    number = 0
    for plane, cells in enumerate(found.planes):
        masks = [
            dict(size=code['size'], counts=code['counts'].decode('ascii'))
            for code in cells.codes()
        ]
        if polygons:
            masks = _with_polygons(masks, cells)
        areas = cells.areas.tolist()
        for row, (x1, y1, x2, y2) in enumerate(cells.bboxes.tolist()):
            number += 1
            yield dict(
                id=number,
                image_id=plane + 1,
                category_id=int(cells.labels[row]) + 1,
                bbox=[x1, y1, x2 - x1, y2 - y1],
                area=areas[row],
                iscrowd=0,
                score=float(cells.scores[row]),
                segmentation=masks[row])


def _with_polygons(masks: List[dict], cells: Cells) -> list:
    """Polygons in place of run-length codes, where there are no holes."""
    parts = pixel_outlines(cells.crops, cells.corners)
    return [
        [polygon[0].reshape(-1).tolist() for polygon in polygons]
        if all(len(polygon) == 1 for polygon in polygons) else mask
        for mask, polygons in zip(masks, parts)
    ]
