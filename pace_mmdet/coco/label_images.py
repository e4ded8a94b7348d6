"""From label images, one number per cell, to COCO masks."""
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple, Union

import numpy as np
from pycocotools import mask as mask_utils
from rich.progress import track

from pace_mmdet.errors import Faults, ImageFileError
from pace_mmdet.images.labels import (IMAGE_SUFFIXES, LABEL_SUFFIXES,
                                      read_label_image)
from pace_mmdet.images.microscopy import read_image

from .files import ImageEntry, write_coco


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
                      category_id: int = 1,
                      min_area: int = 1) -> Tuple[List[dict], int]:
    """COCO annotations of a label image.

    All pixels of a number are one cell, also where they fall into parts.

    Args:
        labels (ndarray): 0 is background, every other number a cell;
            integer, shape (H, W).
        image_id (int): The image's id.
        first_id (int): Id of the first annotation; the others follow.
        category_id (int): The category's id.
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
                category_id=category_id,
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
                   min_area: int = 1) -> Tuple[int, int, int]:
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

    Returns:
        tuple[int]: Numbers of images, of cells, and of cells left out.

    Raises:
        ImageFileError: If files have no partner, cannot be read, or differ
            in size from it; lists all of them.
    """
    pairs = _pair_up(
        _by_stem(Path(images), image_suffix, IMAGE_SUFFIXES, label_suffix),
        _by_stem(Path(labels), label_suffix, LABEL_SUFFIXES, image_suffix),
        images, labels)
    faults = Faults(labels, ImageFileError)
    entries, annotations, left_out = [], [], 0
    for image_path, label_path in track(pairs, 'Reading label images'):
        try:
            found = read_image(image_path).shape[:2]
            cells = read_label_image(label_path)
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
    write_coco(target, entries, [dict(id=1, name=category)], annotations,
               lambda: dict(description='masks from label images',
                            min_area=min_area, left_out=left_out))
    return len(entries), len(annotations), left_out


def _by_stem(folder: Path, suffix: str, types: Tuple[str, ...],
             other_suffix: str) -> Dict[str, List[Path]]:
    """Files of a folder by their name without suffix and type."""
    if not folder.is_dir():
        raise ImageFileError(f'{folder}: no such folder')
    found: Dict[str, List[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in types or path.name.startswith('.'):
            continue
        if not path.stem.endswith(suffix):
            continue
        # In a shared folder, those with the other suffix are the partners.
        if len(other_suffix) > len(suffix) and path.stem.endswith(
                other_suffix):
            continue
        stem = path.stem[:len(path.stem) - len(suffix)]
        found.setdefault(stem, []).append(path)
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
