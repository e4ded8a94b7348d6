"""Annotations of other programs, as a COCO file of boxes and masks.

One file for each image (Fiji's and StarDist's ROI zips, QuPath's GeoJSON,
labelme's JSON), or COCO files as CVAT, Label Studio and Roboflow export them.
Coordinates are continuous pixels of the image.
"""
import base64
import io
import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import (Any, Callable, Dict, Iterator, List, NamedTuple, Optional,
                    Sequence, Tuple, Union)

import numpy as np
import roifile
from PIL import Image
from pycocotools import mask as mask_utils
from rich.progress import track

from pace_mmdet.errors import AnnotationError, Faults
from pace_mmdet.files import refuse_inputs
from pace_mmdet.images.folders import list_folder, stem_of
from pace_mmdet.images.paths import bare_name
from pace_mmdet.images.stacks import read_image
from pace_mmdet.masks.codes import encode_bitmaps
from pace_mmdet.masks.segmentations import read_masks

from .files import ImageEntry, read_document, read_json_bytes, write_coco
from .regions import is_box
from .slices import OTHER_SLICE, Slice, find_slice
from .whole_file import CROWD, BoxFit, check_some_left

# Polygons or run-length code, and why it is left out; '' if it is not.
Outline = Tuple[Any, str]
_CIRCLE_POINTS = 64


class Imported(NamedTuple):
    """What was written.

    Attributes:
        images (int): Images.
        cells (int): Annotations.
        left_out (dict): Reason to how many were left out.
        without (list[str]): Images of the folder that there are no
            annotations of; they are not in the file.
        fit (BoxFit): How the boxes of COCO files fit their masks.
    """
    images: int
    cells: int
    left_out: Dict[str, int]
    without: List[str]
    fit: BoxFit

    def lines(self) -> List[str]:
        """The report as text."""
        return [f'{self.images} images, {self.cells} cells'] + [
            f'  {count} left out: {reason}'
            for reason, count in self.left_out.items()
        ] + [f'  not in it, without annotations: {name}'
             for name in self.without
             ] + [f'  {line}' for line in self.fit.lines()]


def import_annotations(images: Union[str, Path],
                       annotations: Union[str, Path],
                       target: Union[str, Path],
                       category: str = 'cell',
                       page: Optional[int] = None,
                       channel: Optional[int] = None,
                       crowds_are_cells: bool = False) -> Imported:
    """Write a COCO file for the annotations of another program.

    Args:
        images (str or Path): Folder of the images.
        annotations (str or Path): A COCO file, or a folder of files named
            after the images: ``.zip`` and ``.roi`` (Fiji, StarDist),
            ``.geojson`` (QuPath), ``.json`` (labelme). ``NAME_rois.zip`` is
            found for ``NAME.tif``, too.
        target (str or Path): File to write, atomically.
        category (str): Name of the one category.
        page (int, optional): Plane of stacks.
        channel (int, optional): Channel of files with several.
        crowds_are_cells (bool): Whether COCO's "iscrowd" is to be ignored.

    Returns:
        Imported: What was written and what was left out.

    Raises:
        ImageFileError: If an image cannot be read.
        AnnotationError: If a file cannot be read, an image of a COCO file is
            missing or of another size, or no cell is left; all faults of a
            kind at once.
        UserError: If the target is one of the inputs.
    """
    annotations = Path(annotations)
    found = list_folder(images).images
    refuse_inputs([target], [
        *found,
        *(annotations.iterdir() if annotations.is_dir() else [annotations])
    ])
    sizes = {
        path.name: read_image(path, page, channel).shape[:2]
        for path in track(found, 'Looking at the images')
    }
    if not sizes:
        raise AnnotationError(f'{images}: no images there')
    faults = Faults(annotations)
    fit = BoxFit()
    if annotations.is_dir():
        slices = {path.name: find_slice(path, page, channel)
                  for path in found}
        outlines = _of_folder(annotations, found, sizes, slices, faults)
    else:
        outlines = _of_coco(annotations, sizes, faults, fit)
    faults.raise_if_any('Nothing was written.')
    entries, written, left_out = [], [], {}
    for name, parts in outlines.items():
        entries.append(ImageEntry(len(entries) + 1, name, *sizes[name]))
        written += _annotations(parts, entries[-1], len(written),
                                crowds_are_cells, left_out)
    check_some_left(annotations, len(written), 0, left_out,
                    'Nothing was written.')
    if not written:
        raise AnnotationError(f'{annotations}: no outline of a cell in it. '
                              'Nothing was written.')
    write_coco(target, entries, [dict(id=1, name=category)], written,
               lambda: dict(description=f'imported from {annotations.name}',
                            left_out=left_out))
    without = [name for name in sizes if name not in outlines]
    return Imported(len(entries), len(written), left_out, without, fit)


def _annotations(outlines: Sequence[Outline], image: ImageEntry, before: int,
                 crowds_are_cells: bool, left_out: Dict[str, int]
                 ) -> List[dict]:
    """COCO annotations of an image, boxes and areas from the masks."""
    size = (image.height, image.width)
    counts, faults = read_masks([part for part, _ in outlines], *size)
    made = []
    for row, (_, reason) in enumerate(outlines):
        code = dict(size=list(size), counts=counts[row])
        area = int(mask_utils.area(code)) if counts[row] else 0
        if reason == CROWD and crowds_are_cells:
            reason = ''
        reason = reason or faults.get(row) or (
            '' if area else 'outside the image or empty')
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
            continue
        made.append(dict(
            id=before + len(made) + 1, image_id=image.id, category_id=1,
            bbox=mask_utils.toBbox(code).tolist(), area=area, iscrowd=0,
            segmentation=dict(size=list(size),
                              counts=counts[row].decode('ascii'))))
    return made


def _of_folder(folder: Path, images: Sequence[Path], sizes: Dict[str, tuple],
               slices: Dict[str, Optional[Slice]],
               faults: Faults) -> Dict[str, List[Outline]]:
    """Outlines by image of the files in a folder."""
    files: Dict[str, List[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _READERS and not path.name.startswith('.'):
            files.setdefault(path.stem.removesuffix('_rois'), []).append(path)
    found: Dict[str, List[Outline]] = {}
    for image in images:
        own = files.pop(stem_of(image.name), None) or files.pop(
            image.name, None)
        if own is None:
            continue
        if len(own) > 1:
            faults.add(f'{image.name}: more than one file for it: '
                       f'{", ".join(path.name for path in own)}')
            continue
        try:
            found[image.name] = [
                outline if isinstance(outline, tuple) else (outline, '')
                for outline in _READERS[own[0].suffix.lower()](
                    own[0], sizes[image.name], slices[image.name])]
        # Readers raise whatever they come upon in a broken file.
        except Exception as error:
            faults.add(f'{own[0].name}: cannot be read '
                       f'({type(error).__name__}: {error})')
    for stem, paths in files.items():
        faults.add(f'{paths[0].name}: no image of the name "{stem}"')
    if not found and not faults:
        faults.add('no files of annotations there, expected '
                   f'{", ".join(_READERS)}')
    return found


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
            yield _with_holes([np.array(ring, float) for ring in places],
                              size)
        elif shape.get('type') == 'MultiPolygon':
            yield _with_holes([np.array(ring, float) for polygon in places
                               for ring in polygon], size)
        else:
            yield _no_area(shape.get('type'))


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


def _of_coco(path: Path, sizes: Dict[str, tuple], faults: Faults,
             fit: BoxFit) -> Dict[str, List[Outline]]:
    """Outlines by image of a COCO file, however it was exported."""
    try:
        document = read_document(path)
    except AnnotationError as error:
        text = str(error)
        raise AnnotationError(text if text.startswith(str(path)) else
                              f'{path}: {text}') from None
    names: Dict[Any, str] = {}
    found: Dict[str, List[Outline]] = {}
    full_names: Dict[str, str] = {}
    for entry in document.get('images', []):
        full = str(entry.get('file_name', ''))
        name = bare_name(full)
        if full_names.setdefault(name, full) != full:
            faults.add(f'image {entry.get("id")} ({full}): {name} is '
                       f'{full_names[name]} in the file, too; import each '
                       'folder on its own')
        elif names.get(entry.get('id'), name) != name:
            faults.add(f'image {entry["id"]} ({name}): this id occurs more '
                       'than once')
        elif name not in sizes:
            faults.add(f'image {entry.get("id")} ({name}): not among the '
                       'images')
        elif (entry.get('height'), entry.get('width')) != sizes[name]:
            height, width = sizes[name]
            faults.add(f'image {name}: {entry.get("width")} x '
                       f'{entry.get("height")} pixels in the file, {width} x '
                       f'{height} in the folder')
        else:
            # Some tools refer to images by name.
            names[entry.get('id')] = names[entry['file_name']] = name
            found.setdefault(name, [])
    parts = document.get('annotations', [])
    for ann in parts.values() if isinstance(parts, dict) else parts:
        name = names.get(ann.get('image_id'))
        if name is None:
            faults.add(f'annotation {ann.get("id")}: image_id '
                       f'{ann.get("image_id")} is none of the images')
            continue
        outline = _flat(ann.get('segmentation'))
        found[name].append((outline, CROWD if ann.get('iscrowd') else ''))
        _compare(fit, ann.get('bbox'), outline, sizes[name])
    return found


def _flat(segmentation: Any) -> Any:
    """Polygons given as lists of points, as flat lists."""
    if not isinstance(segmentation, list):
        return segmentation
    return [
        [value for point in part for value in point]
        if isinstance(part, list) and part and all(
            isinstance(point, (list, tuple)) for point in part) else part
        for part in segmentation
    ]


def _compare(fit: BoxFit, bbox: Any, outline: Any, size: tuple) -> None:
    counts, faults = read_masks([outline], *size)
    if not faults and is_box(bbox):
        fit.add([bbox], [mask_utils.toBbox(
            dict(size=list(size), counts=counts[0]))])


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


_READERS: Dict[str, Callable[[Path, tuple, Optional[Slice]],
                             Iterator[Any]]] = {
    '.zip': _of_rois,
    '.roi': _of_rois,
    '.geojson': _of_geojson,
    '.json': _of_labelme,
}
