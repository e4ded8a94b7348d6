"""What an annotation file holds: per image, and what stands there twice.

Letters in the shapes: A annotations, I entries of ``images``.
"""
from collections import Counter, defaultdict
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple, Union

import msgspec
import numpy as np
from rich.progress import track

from pace_mmdet.errors import Faults

from .files import BLOCK_SIZE, CocoFile, ImageEntry
from .masks import MaskAnnotation, read_block
from .point_checks import check_unique, find_ids


class Row(NamedTuple):
    """What was counted over some entries of ``images``.

    Attributes:
        images (int): Entries.
        cells (int): Annotations.
        fewest (int): Annotations of the entry with the fewest.
        most (int): Annotations of the entry with the most.
        doubled_images (int): Entries whose file an earlier entry names.
        doubled_cells (int): Annotations that repeat an earlier one of the
            same entry: category, box and mask are equal.
    """
    images: int
    cells: int
    fewest: int
    most: int
    doubled_images: int
    doubled_cells: int


@dataclass
class Census:
    """An annotation file, counted.

    Attributes:
        path: The file.
        images: Its entries of images.
        image_index: Position of each annotation's image in ``images``, -1
            if it is none of them; int64, shape (A, ).
        doubled: Whether an annotation repeats an earlier one, bool,
            shape (A, ).
        first: Position of the first entry with the same file, int64,
            shape (I, ).
        unusable: Reason to ids of annotations that nothing can be learned
            from.
        kinds: How many masks there are of each kind.
        faults: What is wrong with the file.
    """
    path: Path
    images: List[ImageEntry]
    image_index: np.ndarray
    doubled: np.ndarray
    first: np.ndarray
    unusable: Dict[str, List[int]]
    kinds: Counter
    faults: Faults

    @property
    def cells(self) -> np.ndarray:
        """Annotations of each entry, int64, shape (I, )."""
        return self._count(self.image_index >= 0)

    @property
    def doubled_cells(self) -> np.ndarray:
        """Doubled annotations of each entry, int64, shape (I, )."""
        return self._count(self.doubled)

    @property
    def file_names(self) -> List[str]:
        """The name of each entry."""
        return [image.file_name for image in self.images]

    def row(self, entries: np.ndarray) -> Row:
        """Sum up some entries.

        Args:
            entries (ndarray): Positions of at least one entry, int64.
        """
        cells = self.cells[entries]
        return Row(
            len(entries), int(cells.sum()), int(cells.min()),
            int(cells.max()), int((self.first[entries] != entries).sum()),
            int(self.doubled_cells[entries].sum()))

    def _count(self, wanted: np.ndarray) -> np.ndarray:
        return np.bincount(
            self.image_index[wanted & (self.image_index >= 0)],
            minlength=len(self.images))


def take_census(path: Union[str, Path]) -> Census:
    """Read an annotation file with masks and count what is in it.

    Args:
        path (str or Path): The file.

    Returns:
        Census: Its content; ``faults`` has what is wrong with annotations.

    Raises:
        AnnotationError: If it is missing or no COCO file, or its images or
            categories are faulty.
    """
    file = CocoFile(path)
    file.faults.raise_if_any('Correct the file.')
    images = {image.id: image for image in file.images}
    categories = {category.id for category in file.categories}
    unusable: Dict[str, List[int]] = defaultdict(list)
    kinds: Counter = Counter()
    columns: Tuple[list, list, list] = ([], [], [])
    blocks = track(
        file.blocks(MaskAnnotation),
        f'Reading {file.path.name}',
        total=-(-len(file) // BLOCK_SIZE))
    for block in blocks:
        masks, reasons = read_block(block, images, categories)
        for position, reason in reasons.items():
            unusable[reason].append(block[position].id)
        kinds.update(_kind(block[position]) for position in masks)
        for column, values in zip(columns, zip(*map(_identity, block))):
            column.append(np.array(values, np.int64))
    ids, image_ids, contents = (np.concatenate(column) if column else np.zeros(
        0, np.int64) for column in columns)
    check_unique([ids], file.faults)
    image_index = find_ids(image_ids, [image.id for image in file.images])
    return Census(
        path=file.path,
        images=file.images,
        image_index=image_index,
        doubled=find_repeated(image_index, contents),
        first=_first_entries(file.images),
        unusable=dict(unusable),
        kinds=kinds,
        faults=file.faults)


def find_repeated(groups: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Find what an earlier element of the same group equals.

    Args:
        groups (ndarray): int64, shape (A, ).
        values (ndarray): int64, shape (A, ).

    Returns:
        ndarray: bool, shape (A, ).
    """
    # Stable: of equal elements, the first stays first.
    order = np.lexsort((values, groups))
    same = (np.diff(values[order]) == 0) & (np.diff(groups[order]) == 0)
    repeated = np.zeros(len(values), bool)
    repeated[order[1:]] = same
    return repeated


def _first_entries(images: List[ImageEntry]) -> np.ndarray:
    seen: Dict[str, int] = {}
    return np.array([
        seen.setdefault(image.file_name, position)
        for position, image in enumerate(images)
    ], np.int64)


def _identity(ann: MaskAnnotation) -> Tuple[int, int, int]:
    """Id, image id, and 64 bits that equal annotations share."""
    content = msgspec.json.encode(
        (ann.category_id, bool(ann.iscrowd), ann.bbox, ann.segmentation))
    digest = blake2b(content, digest_size=8).digest()
    return ann.id, ann.image_id, int.from_bytes(digest, signed=True)


def _kind(ann: MaskAnnotation) -> str:
    if ann.iscrowd:
        return 'crowds'
    if isinstance(ann.segmentation, dict):
        return 'run-length codes'
    return ('polygons' if len(ann.segmentation) == 1 else
            'masks of several polygons')
