"""Annotations of other programs, as a COCO file of boxes and masks.

One file for each image (Fiji's and StarDist's ROI zips, QuPath's GeoJSON,
labelme's JSON), or COCO files as CVAT, Label Studio and Roboflow export them.
Coordinates are continuous pixels of the image.
"""
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

from pycocotools import mask as mask_utils
from rich.progress import track

from pace_mmdet.errors import AnnotationError, Faults
from pace_mmdet.files import refuse_inputs
from pace_mmdet.images.folders import list_folder, stem_of
from pace_mmdet.images.paths import bare_name
from pace_mmdet.images.stacks import read_image
from pace_mmdet.masks.segmentations import read_masks

from .files import ImageEntry, read_document, write_coco
from .outlines import READERS, Outline
from .regions import is_box
from .slices import Slice, find_slice
from .whole_file import CROWD, BoxFit, check_some_left


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
        if path.suffix.lower() in READERS and not path.name.startswith('.'):
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
                for outline in READERS[own[0].suffix.lower()](
                    own[0], sizes[image.name], slices[image.name])]
        # Readers raise whatever they come upon in a broken file.
        except Exception as error:
            faults.add(f'{own[0].name}: cannot be read '
                       f'({type(error).__name__}: {error})')
    for stem, paths in files.items():
        faults.add(f'{paths[0].name}: no image of the name "{stem}"')
    if not found and not faults:
        faults.add('no files of annotations there, expected '
                   f'{", ".join(READERS)}')
    return found


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
