"""Outlines of cells in the files of other programs.

Fiji's and StarDist's ROIs, QuPath's GeoJSON, labelme's JSON. Coordinates are
continuous pixels of the image.
"""
import base64
import io
import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import (Any, Callable, Dict, Iterator, List, Optional, Sequence,
                    Tuple)

import numpy as np
import roifile
from PIL import Image
from pycocotools import mask as mask_utils

from pace_mmdet.masks.codes import encode_bitmaps

from .files import read_json_bytes
from .slices import OTHER_SLICE, Slice

# Polygons or run-length code, and why it is left out; '' if it is not.
Outline = Tuple[Any, str]
_CIRCLE_POINTS = 64


def _of_rois(path: Path, size: tuple,
             place: Optional[Slice]) -> Iterator[Any]:
    """Outlines of ImageJ's ROIs."""
    for roi in _read_rois(path):
        kind = roi.roitype
        if place and not place.holds_roi(roi):
            yield None, OTHER_SLICE
        elif kind in (roifile.ROI_TYPE.POINT, roifile.ROI_TYPE.LINE,
                      roifile.ROI_TYPE.POLYLINE, roifile.ROI_TYPE.FREELINE,
                      roifile.ROI_TYPE.ANGLE):
            yield _no_area(kind.name)
        elif kind == roifile.ROI_TYPE.RECT and not roi.composite:
            yield _rectangle(roi.left, roi.top, roi.right, roi.bottom)
        elif kind == roifile.ROI_TYPE.OVAL and not roi.composite:
            yield _ellipse((roi.left + roi.right) / 2,
                           (roi.top + roi.bottom) / 2,
                           (roi.right - roi.left) / 2,
                           (roi.bottom - roi.top) / 2)
        else:
            parts = roi.coordinates(multi=True)
            yield _with_holes([np.asarray(part, float) for part in parts],
                              size)


def _read_rois(path: Path) -> List[roifile.ImagejRoi]:
    """What an ImageJ file holds; a zip may hold other files, too."""
    if path.suffix.lower() != '.zip':
        return [roifile.ImagejRoi.fromfile(path)]
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist()
                 if name.lower().endswith('.roi')
                 # What macOS adds
                 and not PurePosixPath(name).name.startswith('._')]
        return [roifile.ImagejRoi.frombytes(archive.read(name))
                for name in names]


def _of_geojson(path: Path, size: tuple,
                place: Optional[Slice]) -> Iterator[Any]:
    """Outlines of QuPath's objects."""
    content = json.loads(read_json_bytes(path))
    features = content.get('features', [content]) if isinstance(
        content, dict) else content
    if not isinstance(features, list) or not all(
            isinstance(feature, dict) for feature in features):
        raise ValueError('no GeoJSON: expected a feature, a list of them, or '
                         'a FeatureCollection')
    for feature in features:
        shape = feature.get('geometry') or {}
        places = shape.get('coordinates')
        if place and not place.holds_geometry(shape):
            yield None, OTHER_SLICE
        elif shape.get('type') == 'Polygon':
            yield _with_holes([_flat(ring) for ring in places],
                              size)
        elif shape.get('type') == 'MultiPolygon':
            yield _with_holes([_flat(ring) for polygon in places
                               for ring in polygon], size)
        else:
            yield _no_area(shape.get('type'))


def _flat(ring: list) -> np.ndarray:
    """Its corners (x, y); GeoJSON's may have a height, too."""
    return np.array(ring, float)[..., :2]


def _of_labelme(path: Path, size: tuple,
                place: Optional[Slice]) -> Iterator[Any]:
    """Outlines of labelme's shapes, which know no slices."""
    content = json.loads(read_json_bytes(path))
    if 'shapes' not in content:
        raise ValueError('no "shapes", so it is not labelme\'s')
    drawn_on = content.get('imageHeight'), content.get('imageWidth')
    if None not in drawn_on and drawn_on != size:
        raise ValueError(f'drawn on an image of {drawn_on[1]} x '
                         f'{drawn_on[0]} pixels, this one has {size[1]} x '
                         f'{size[0]}')
    for shape in content['shapes']:
        points = np.array(shape['points'], float)
        kind = shape.get('shape_type', 'polygon')
        if kind == 'polygon':
            yield [points.ravel().tolist()]
        elif kind == 'rectangle':
            yield _rectangle(*points.min(axis=0), *points.max(axis=0))
        elif kind == 'circle':
            radius = float(np.hypot(*(points[1] - points[0])))
            yield _ellipse(*points[0], radius, radius)
        elif kind == 'mask':
            yield _of_picture(shape['mask'], points.astype(int), size)
        else:
            yield _no_area(kind)


def _of_picture(text: str, corners: np.ndarray, size: tuple) -> dict:
    """A mask that labelme holds as a PNG of its box, corners included."""
    (left, top), (right, bottom) = corners
    with Image.open(io.BytesIO(base64.b64decode(text)),
                    formats=('PNG', )) as picture:
        if picture.size != (right + 1 - left, bottom + 1 - top):
            raise ValueError(f'a mask of {picture.size[0]} x '
                             f'{picture.size[1]} pixels in a box of '
                             f'{right + 1 - left} x {bottom + 1 - top}')
        part = np.asarray(picture.convert('L')) > 0
    height, width = size
    mask = np.zeros(size, bool)
    # What lies beyond the image is not there.
    up, before = max(-top, 0), max(-left, 0)
    inside = part[up:max(height - top, 0), before:max(width - left, 0)]
    top, left = top + up, left + before
    mask[top:top + inside.shape[0], left:left + inside.shape[1]] = inside
    return dict(size=list(size), counts=encode_bitmaps([mask])[0])


def _no_area(kind: object) -> Outline:
    return None, f'of a kind that is not read: {kind}'


def _rectangle(left: float, top: float, right: float,
               bottom: float) -> List[List[float]]:
    return [[left, top, right, top, right, bottom, left, bottom]]


def _ellipse(x: float, y: float, across: float,
             along: float) -> List[List[float]]:
    angles = np.linspace(0, 2 * np.pi, _CIRCLE_POINTS, endpoint=False)
    points = np.stack([x + across * np.cos(angles),
                       y + along * np.sin(angles)], axis=1)
    return [points.ravel().tolist()]


def _with_holes(rings: Sequence[np.ndarray], size: tuple) -> Any:
    """Rings of which those inside others are holes, as one mask."""
    rings = [ring for ring in rings if len(ring) >= 3]
    polygons = [ring.ravel().tolist() for ring in rings]
    if len(polygons) < 2:
        return polygons
    inside = np.zeros(size, bool)
    for polygon in polygons:
        code, = mask_utils.frPyObjects([polygon], *size)
        inside ^= mask_utils.decode(code).astype(bool)
    return dict(size=list(size), counts=encode_bitmaps([inside])[0])


# By suffix. They raise whatever they come upon in a broken file.
READERS: Dict[str, Callable[[Path, tuple, Optional[Slice]],
                            Iterator[Any]]] = {
    '.zip': _of_rois,
    '.roi': _of_rois,
    '.geojson': _of_geojson,
    '.json': _of_labelme,
}
