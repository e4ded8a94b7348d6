"""A small synthetic LIVECell, as the publisher serves the real one.

For tests, benchmarks and a rehearsal of the whole recipe. Like in LIVECell,
there are 8 cell types, known by the files' names; the annotations stand in an
object by their ids; some files are listed twice under two ids, train and val
share one, and some annotations are doubled or degenerate.
"""
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Union

import numpy as np
import tifffile
from pycocotools import mask as mask_utils

from pace_mmdet.sources.livecell.files import (ANNOTATION_SETS, ARCHIVE,
                                               CELL_TYPES, IMAGE_FOLDERS,
                                               WHOLE, AnnotationFile,
                                               annotation_files, cell_type)

from .cells import SyntheticCells, synthetic_cells

HEIGHT, WIDTH = 520, 704
# LIVECell's mean is 313 per image; its densest have 3,000.
DENSEST = 'BV2'


@dataclass(frozen=True)
class SyntheticLIVECell:
    """Images and annotations of all splits.

    Attributes:
        images (dict): Path in the archive to uint8 image (H, W).
        splits (dict): Name of the split to its COCO file, as a dict.
    """
    images: Dict[str, np.ndarray]
    splits: Dict[str, dict]


def synthetic_livecell(cells: Dict[str, int],
                       densest: int = 0,
                       nested: bool = True,
                       height: int = HEIGHT,
                       width: int = WIDTH,
                       seed: int = 0) -> SyntheticLIVECell:
    """Make the images and annotations.

    Each split has an image per cell type; train has one more of the first
    type, listed twice, val one that train has too.

    Args:
        cells (dict): Split to cells per image, at least 2; of the cell
            types, the first has half as many and the last as many.
        densest (int): Cells of the image of :data:`DENSEST` in test, if that
            is more.
        nested (bool): One folder per cell type; else they lie flat.
        height (int): Height of the images in pixels.
        width (int): Width of the images in pixels.
        seed (int): Seed; the result is a pure function of the arguments.
    """
    images: Dict[str, np.ndarray] = {}
    splits: Dict[str, dict] = {}
    for number, (split, folder) in enumerate(IMAGE_FOLDERS.items()):
        coco = dict(
            images=[],
            annotations={},
            categories=[dict(id=1, name='cell', supercategory='cell')],
            info=dict(description='synthetic LIVECell', version='1.0'),
            licenses=[dict(id=1, name='CC BY-NC 4.0')])
        kinds = [*CELL_TYPES, *CELL_TYPES[:split == 'train']]
        for place, kind in enumerate(kinds):
            rank = CELL_TYPES.index(kind) / (len(CELL_TYPES) - 1)
            count = round(cells[split] * (1 + rank) / 2)
            if split == 'test' and kind == DENSEST:
                count = max(count, densest)
            drawn = synthetic_cells(count, height, width,
                                    seed + 100 * number + place)
            name = (f'{kind}_Phase_{"ABC"[number]}7_1_{place:02d}d00h00m_'
                    f'{place % 4 + 1}.tif')
            images[_path(folder, name, nested)] = drawn.image
            _list(coco, name, drawn, 1000 * number)
        splits[split] = coco
    _spoil(splits)
    return SyntheticLIVECell(images, splits)


def write_synthetic_livecell(folder: Union[str, Path], *args,
                             **kwargs) -> SyntheticLIVECell:
    """Write what :func:`synthetic_livecell` makes of the other arguments.

    Args:
        folder (str | Path): Gets ``images.zip`` and ``annotations/`` with all
            annotation sets, as they lie below LIVECell's address.

    Returns:
        SyntheticLIVECell: What was made.
    """
    folder = Path(folder)
    made = synthetic_livecell(*args, **kwargs)
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / ARCHIVE, 'w',
                         zipfile.ZIP_DEFLATED) as archive:
        for name, image in made.images.items():
            buffer = io.BytesIO()
            tifffile.imwrite(buffer, image)
            archive.writestr(name, buffer.getvalue())
    for name in ANNOTATION_SETS:
        for file in annotation_files(name):
            path = folder / file.remote
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                json.dumps(_part(made.splits[file.split], name, file)),
                encoding='utf-8')
    return made


def _path(folder: str, name: str, nested: bool) -> str:
    return f'{folder}/{cell_type(name)}/{name}' if nested else (
        f'{folder}/{name}')


def _list(coco: dict, name: str, drawn: SyntheticCells, offset: int) -> None:
    """Add an image and its cells to a COCO file, under new ids."""
    height, width = drawn.image.shape
    image_id = offset + len(coco['images']) + 1
    coco['images'].append(
        dict(
            id=image_id,
            width=width,
            height=height,
            file_name=name,
            original_filename=name,
            url='',
            license=1))
    for polygon, (x1, y1, x2, y2) in zip(drawn.polygons, drawn.bboxes):
        code = mask_utils.frPyObjects([polygon], height, width)[0]
        ann_id = 1000 * offset + len(coco['annotations']) + 1
        coco['annotations'][str(ann_id)] = dict(
            id=ann_id,
            image_id=image_id,
            category_id=1,
            bbox=[float(v) for v in (x1, y1, x2 - x1, y2 - y1)],
            area=int(mask_utils.area(code)),
            iscrowd=0,
            segmentation=[polygon])


def _spoil(splits: Dict[str, dict]) -> None:
    """Put in the peculiarities of the real files."""
    train, val = splits['train'], splits['val']
    last = train['images'][-1]
    _copy(train, last, train)
    _copy(train, train['images'][1], val)
    cells = [a for a in train['annotations'].values() if a['image_id'] == 1]
    for cell in cells[:2]:
        _add(train, cell, 1)
    _add(train, dict(cells[0], segmentation=[[5.0, 5.0, 9.0, 9.0]]), 1)


def _copy(source: dict, image: dict, target: dict) -> None:
    """List an image with its cells in a file, under new ids."""
    new_id = max(i['id'] for i in target['images']) + 1
    cells = [
        a for a in source['annotations'].values()
        if a['image_id'] == image['id']
    ]
    target['images'].append(dict(image, id=new_id))
    for cell in cells:
        _add(target, cell, new_id)


def _add(coco: dict, cell: dict, image_id: int) -> None:
    new_id = max(map(int, coco['annotations'])) + 1
    coco['annotations'][str(new_id)] = dict(
        cell, id=new_id, image_id=image_id)


def _part(coco: dict, name: str, file: AnnotationFile) -> dict:
    """What an annotation set has of a split."""
    if name == WHOLE:
        return coco
    images: List[dict] = coco['images']
    if name in CELL_TYPES:
        images = [i for i in images if cell_type(i['file_name']) == name]
    else:
        images = images[:max(len(images) * int(name.split('percent')[0]) //
                             100, 1)]
    ids = {image['id'] for image in images}
    return dict(
        coco,
        images=images,
        annotations={
            key: cell
            for key, cell in coco['annotations'].items()
            if cell['image_id'] in ids
        })
