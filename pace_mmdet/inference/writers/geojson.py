"""GeoJSON as QuPath reads it."""
import uuid
from pathlib import Path
from typing import Iterator, List

import msgspec
import numpy as np

from pace_mmdet.files import atomic_file
from pace_mmdet.masks.pixel_outlines import Polygon, pixel_outlines

from .results import FileCells

_COLOR = [255, 225, 26]


def write_geojson(found: FileCells, path: Path) -> None:
    """Write the cells as detections, which QuPath opens by drag and drop.

    Coordinates are the image's pixels, along the edges of the masks' pixels;
    masks with holes or several parts keep them. The format is described
    under "Exporting annotations" in QuPath's documentation.

    Args:
        found (FileCells): The cells.
        path (Path): The file to write.
    """
    encode = msgspec.json.Encoder().encode
    with atomic_file(path) as file:
        file.write(b'{"type":"FeatureCollection","features":[')
        for number, feature in enumerate(_features(found)):
            file.write((b',\n' if number else b'\n') + encode(feature))
        file.write(b'\n]}\n')


def _features(found: FileCells) -> Iterator[dict]:
    # Ids of their own, the same whenever the same file is written.
    namespace = uuid.uuid5(uuid.NAMESPACE_URL, found.path.name)
    for plane, cells in enumerate(found.planes):
        position = found.position(plane)
        areas = cells.areas.tolist()
        outlines = pixel_outlines(cells.crops, cells.corners)
        for row, polygons in enumerate(outlines):
            geometry = _geometry(polygons)
            if found.of_several:
                # A plain stack's pages are what QuPath calls time.
                geometry['plane'] = dict(
                    c=position.get('C', -1),
                    z=position.get('Z', 0),
                    t=position.get('T', 0) if set(position) <= set('TZC')
                    else found.first_plane + plane)
            yield dict(
                type='Feature',
                id=str(uuid.uuid5(namespace, f'{plane}/{row}')),
                geometry=geometry,
                properties=dict(
                    objectType='detection',
                    name=str(row + 1),
                    classification=dict(
                        name=found.classes[cells.labels[row]], color=_COLOR),
                    measurements={
                        'score': float(cells.scores[row]),
                        'area px': areas[row]
                    }))


def _geometry(polygons: List[Polygon]) -> dict:
    parts = [[_closed(ring) for ring in polygon] for polygon in polygons]
    if len(parts) == 1:
        return dict(type='Polygon', coordinates=parts[0])
    return dict(type='MultiPolygon', coordinates=parts)


def _closed(ring: np.ndarray) -> list:
    points = ring.tolist()
    return points + points[:1]
