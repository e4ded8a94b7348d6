"""From label images, one number per cell, to COCO masks."""
from itertools import chain
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

import numpy as np
from pycocotools import mask as mask_utils
from rich.progress import track

from pace_mmdet.errors import AnnotationError, Faults, ImageFileError
from pace_mmdet.files import refuse_inputs
from pace_mmdet.images.folders import list_folder, stem_of
from pace_mmdet.images.formats import IMAGE_SUFFIXES
from pace_mmdet.images.labels import (CELLPOSE_ENDING, LABEL_SUFFIXES,
                                      read_label_image)
from pace_mmdet.images.stacks import read_image

from .files import ImageEntry, write_coco


class LabelReport(NamedTuple):
    """What :func:`labels_to_coco` did.

    Attributes:
        images (int): Written.
        cells (int): Written.
        too_small (int): Cells left out.
        left_out (list[str]): Files left out, and why, a line for each
            reason.
    """
    images: int
    cells: int
    too_small: int
    left_out: List[str]


class _Folder(NamedTuple):
    """Files by their names without suffix and type; what was left out."""
    by_stem: Dict[str, List[Path]]
    left_out: List[str]


def label_runs(labels: np.ndarray) -> Iterator[Tuple[int, List[int]]]:
    """Run-length counts of every cell of a label image in one pass.

    Args:
        labels (ndarray): 0 is background, every other number a cell;
            integer, shape (H, W).

    Yields:
        tuple: The cell's number and its counts as COCO has them: lengths of
        runs down the columns, background first.
    """
    pixels = labels.T.reshape(-1)
    starts = np.r_[0, np.flatnonzero(np.diff(pixels)) + 1]
    ends = np.r_[starts[1:], pixels.size]
    values = pixels[starts]
    order = np.argsort(values, kind='stable')
    cells, first = np.unique(values[order], return_index=True)
    for cell, runs in zip(cells, np.split(order, first[1:])):
        if cell != 0:
            edges = np.stack([starts[runs], ends[runs]], axis=1).reshape(-1)
            counts = np.diff(np.r_[0, edges, pixels.size])
            # COCO's counts end with the last run of the cell or background.
            yield int(cell), counts[:len(counts) - (counts[-1] == 0)].tolist()


def label_annotations(labels: np.ndarray,
                      image_id: int,
                      first_id: int = 1,
                      min_area: int = 1) -> Tuple[List[dict], int]:
    """COCO annotations of a label image.

    All pixels of a number are one cell, also where they fall into parts.

    Args:
        labels (ndarray): 0 is background, every other number a cell;
            integer, shape (H, W).
        image_id (int): The image's id.
        first_id (int): Id of the first annotation; the others follow.
        min_area (int): Cells of fewer pixels are left out.

    Returns:
        tuple: The annotations, masks as compressed run-length codes, and
        the number of cells left out.
    """
    height, width = labels.shape
    annotations, left_out = [], 0
    for _, counts in label_runs(labels):
        area = sum(counts[1::2])
        if area < min_area:
            left_out += 1
            continue
        code = mask_utils.frPyObjects(
            dict(size=[height, width], counts=counts), height, width)
        annotations.append(
            dict(
                id=first_id + len(annotations),
                image_id=image_id,
                category_id=1,
                bbox=mask_utils.toBbox(code).tolist(),
                area=area,
                iscrowd=0,
                segmentation=dict(
                    size=[height, width],
                    counts=code['counts'].decode('ascii'))))
    return annotations, left_out


def labels_to_coco(images: Union[str, Path],
                   labels: Union[str, Path],
                   target: Union[str, Path],
                   image_suffix: str = '',
                   label_suffix: str = '',
                   category: str = 'cell',
                   min_area: int = 1,
                   page: Optional[int] = None,
                   channel: Optional[int] = None,
                   masks: str = 'refuse') -> LabelReport:
    """Write a COCO file with masks for folders of images and label images.

    Args:
        images (str or Path): Folder of the images.
        labels (str or Path): Folder of the label images; may be the same
            one if a suffix tells them apart.
        target (str or Path): File to write, atomically.
        image_suffix (str): What the images' names end with before the file
            type, for instance ``_img``.
        label_suffix (str): The same of the label images, for instance
            ``_mask``.
        category (str): Name of the one category.
        min_area (int): Cells of fewer pixels are left out.
        page (int, optional): Plane of stacks, of images and label images.
        channel (int, optional): Channel of the images.
        masks (str): As of
            :func:`~pace_mmdet.images.labels.read_label_image`.

    Returns:
        LabelReport: What was written and what was left out.

    Raises:
        ImageFileError: If files have no partner, cannot be read, or differ
            in size from it; lists all of them.
        AnnotationError: If there is no cell to write.
        UserError: If the target is one of the files that are read.
    """
    if not label_suffix:
        label_suffix = _usual_suffix(Path(images), Path(labels))
    shared = Path(images).resolve() == Path(labels).resolve()
    in_images = _by_stem(Path(images), image_suffix, IMAGE_SUFFIXES,
                         label_suffix if shared else '')
    in_labels = _by_stem(Path(labels), label_suffix, LABEL_SUFFIXES,
                         image_suffix if shared else '')
    pairs = _pair_up(in_images.by_stem, in_labels.by_stem, images, labels)
    refuse_inputs([target], chain.from_iterable(pairs))
    faults = Faults(labels, ImageFileError)
    entries, annotations, left_out = [], [], 0
    for image_path, label_path in track(pairs, 'Reading label images'):
        try:
            found = _size_of(image_path, page, channel)
            cells = read_label_image(label_path, page, masks)
        except ImageFileError as error:
            faults.add(str(error))
            continue
        if cells.shape != found:
            faults.add(f'{label_path.name} is {_size(cells.shape)}, expected '
                       f'{_size(found)} like {image_path.name}')
            continue
        entries.append(ImageEntry(len(entries) + 1, image_path.name, *found))
        new, few = label_annotations(
            cells, len(entries), len(annotations) + 1, min_area=min_area)
        annotations += new
        left_out += few
    faults.raise_if_any('Nothing was written.')
    if not annotations:
        small = (f'; all {left_out} have fewer than --min-area {min_area} '
                 'pixels') if left_out else ': all of it is 0'
        raise AnnotationError(f'{labels}: no cell in {len(entries)} label '
                              f'images{small}. Nothing was written.')
    plane = {key: value for key, value in (('page', page),
                                           ('channel', channel))
             if value is not None}
    write_coco(target, entries, [dict(id=1, name=category)], annotations,
               lambda: dict(description='masks from label images',
                            min_area=min_area, left_out=left_out, **plane))
    return LabelReport(len(entries), len(annotations), left_out,
                       in_images.left_out + (
                           [] if shared else in_labels.left_out))


def _usual_suffix(images: Path, labels: Path) -> str:
    """What a prediction's files end in, or Cellpose's, if these do so."""
    if not labels.is_dir():
        return ''
    names = [path.name for path in
             list_folder(labels, suffixes=LABEL_SUFFIXES).images]
    from_cellpose = [name.endswith(CELLPOSE_ENDING) for name in names]
    # Cellpose saves beside the images.
    if any(from_cellpose) and (all(from_cellpose) or images == labels):
        return Path(CELLPOSE_ENDING).stem
    if names and all(stem_of(name).endswith('_labels') for name in names):
        return '_labels'
    return ''


def _size_of(path: Path, page: Optional[int],
             channel: Optional[int]) -> Tuple[int, int]:
    """Height and width of an image that can be read."""
    return read_image(path, page, channel).shape[:2]


def _by_stem(folder: Path, suffix: str, types: Tuple[str, ...],
             other_suffix: str) -> _Folder:
    """Files of a folder by their name without suffix and type."""
    if not folder.is_dir():
        raise ImageFileError(f'{folder}: no such folder')
    listing = list_folder(folder, suffixes=types)
    found = _Folder({}, listing.left_out)
    others = 0
    for path in listing.images:
        stem = stem_of(path.name)
        # In a shared folder, those with the other suffix are the partners.
        if len(other_suffix) > len(suffix) and stem.endswith(other_suffix):
            continue
        if not stem.endswith(suffix):
            others += 1
            continue
        stem = stem[:len(stem) - len(suffix)]
        found.by_stem.setdefault(stem, []).append(path)
    if others:
        found.left_out.append(f'{others} left out: their names do not end '
                              f'in {suffix}')
    return found


def _pair_up(images: Dict[str, List[Path]], labels: Dict[str, List[Path]],
             image_folder: Union[str, Path],
             label_folder: Union[str, Path]) -> List[Tuple[Path, Path]]:
    faults = Faults(f'{image_folder} and {label_folder}', ImageFileError)
    if not images:
        faults.add(f'no images in {image_folder}, expected files of type '
                   f'{", ".join(IMAGE_SUFFIXES)}')
    for stem in sorted(images.keys() | labels.keys()):
        for what, found, other in (('label image', labels, images),
                                   ('image', images, labels)):
            if stem not in found:
                faults.add(f'{other[stem][0].name}: no {what} of the name '
                           f'"{stem}"')
            elif len(found[stem]) > 1:
                names = ', '.join(path.name for path in found[stem])
                faults.add(f'more than one {what} of the name "{stem}": '
                           f'{names}')
    faults.raise_if_any('Each image needs one label image of the same name; '
                        'if the names end differently, say how with the '
                        'suffix options.')
    return [(images[stem][0], labels[stem][0]) for stem in sorted(images)]


def _size(shape: Optional[tuple]) -> str:
    return f'{shape[1]} x {shape[0]} pixels (width x height)'
