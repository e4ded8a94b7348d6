"""Checking LIVECell's files, counting per cell type, removing doubles."""
from collections import defaultdict
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple, Union

import msgspec
import numpy as np
from rich.box import SIMPLE
from rich.progress import track
from rich.table import Table

from pace_mmdet.coco.census import Census, take_census
from pace_mmdet.coco.converting import dropped_lines
from pace_mmdet.coco.files import write_coco
from pace_mmdet.errors import AnnotationError, Faults, ImageFileError
from pace_mmdet.images.paths import find_images
from pace_mmdet.images.stacks import read_image

from .files import (IMAGE_FOLDERS, SPLITS, AnnotationFile, annotation_files,
                    cell_type)

_NO_TYPE = '(none)'
Censuses = Dict[AnnotationFile, Census]


class LIVECellReport:
    """What :func:`check_livecell` found.

    Attributes:
        censuses (dict): Annotation file to what is in it.
        faults (list[str]): A message for each file or folder with faults.
    """

    def __init__(self) -> None:
        self.censuses: Censuses = {}
        self.faults: List[str] = []

    def raise_if_any(self) -> None:
        """Raise one AnnotationError with all faults, if there are any."""
        if self.faults:
            raise AnnotationError('\n'.join(self.faults))

    def shared(self, file: AnnotationFile) -> Dict[str, Set[str]]:
        """Images of a file that the other splits list too, by split."""
        own = set(self.censuses[file].file_names)
        return {
            other.split: own & set(census.file_names)
            for other, census in self.censuses.items() if other != file
        }

    def table(self, file: AnnotationFile) -> Table:
        """A row for each cell type of a file, and one for all."""
        census, shared = self.censuses[file], self.shared(file)
        table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
        table.add_column('cell\ntype', no_wrap=True)
        for name in ('\nimages', '\ncells', 'per image\nmin/mean/max',
                     'doubled\nimages', 'doubled\ncells',
                     *(f'also\nin {split}' for split in shared)):
            table.add_column(name, justify='right', no_wrap=True)
        groups = defaultdict(list)
        for position, name in enumerate(census.file_names):
            groups[cell_type(name) or _NO_TYPE].append(position)
        rows = sorted(groups.items(), key=lambda item: item[0].lower())
        rows.append(('all', range(len(census.images))))
        for name, entries in rows:
            if not len(entries):
                continue
            row = census.row(np.array(entries))
            names = {census.file_names[entry] for entry in entries}
            mean = row.cells / row.images
            table.add_row(
                name, f'{row.images:,}', f'{row.cells:,}',
                f'{row.fewest:,}/{mean:,.1f}/{row.most:,}',
                f'{row.doubled_images:,}', f'{row.doubled_cells:,}',
                *(f'{len(names & others):,}' for others in shared.values()))
        return table

    def notes(self, file: AnnotationFile) -> List[str]:
        """Kinds of masks, and what nothing can be learned from."""
        census = self.censuses[file]
        lines = ['masks to train on: ' + (', '.join(
            f'{count:,} {kind}'
            for kind, count in census.kinds.most_common()) or 'none')]
        return lines + dropped_lines(census.unusable)


def check_livecell(root: Union[str, Path], name: str) -> LIVECellReport:
    """Check the annotations and images of one annotation set.

    Args:
        root (str or Path): Folder of the data set.
        name (str): The annotation set.

    Returns:
        LIVECellReport: What there is and what is wrong with it.
    """
    root, report = Path(root), LIVECellReport()
    for file in annotation_files(name):
        try:
            census = take_census(root / file.local)
            report.censuses[file] = census
            census.faults.raise_if_any()
        except AnnotationError as error:
            report.faults.append(str(error))
    sizes: Dict[str, Dict[str, Tuple[int, int]]] = defaultdict(dict)
    for file, census in report.censuses.items():
        for image in census.images:
            sizes[IMAGE_FOLDERS[file.split]][image.file_name] = (image.height,
                                                                 image.width)
    for folder, expected in sizes.items():
        try:
            _check_images(str(root / folder), expected)
        except ImageFileError as error:
            report.faults.append(str(error))
    return report


def write_deduplicated(report: LIVECellReport, root: Union[str, Path],
                       file: AnnotationFile) -> str:
    """Write a copy of an annotation file without what is doubled.

    Of the entries that name the same image, the one with the most annotations
    stays, the first if they have equally many; with the others go their
    annotations, since they would be second outlines of the same cells. Of
    equal annotations of an image the first stays. An image that several
    splits list stays in the last of them only (train, val, test): what
    evaluates stays whole. All else is copied as it is.

    Args:
        report (LIVECellReport): Of the whole set, without faults.
        root (str or Path): Folder of the data set.
        file (AnnotationFile): Which of its files.

    Returns:
        str: What was done.

    Raises:
        AnnotationError: If a file of the set has faults or is missing.
        OSError: If the copy cannot be written.
    """
    report.raise_if_any()
    census = report.censuses[file]
    later = SPLITS[SPLITS.index(file.split) + 1:]
    elsewhere = set().union(
        *(names for split, names in report.shared(file).items()
          if split in later))
    kept = _best_entries(census)
    doubled = len(census.images) - len(kept)
    kept = [i for i in kept if census.images[i].file_name not in elsewhere]
    keep_image = np.zeros(len(census.images) + 1, bool)
    keep_image[kept] = True
    # The last element is that of annotations without an image: -1.
    keep_image[-1] = True
    keep = keep_image[census.image_index] & ~census.doubled
    source = msgspec.json.decode(census.path.read_bytes(), type=_Verbatim)
    annotations = source.annotations
    if isinstance(annotations, dict):
        annotations = list(annotations.values())
    info = source.info if isinstance(source.info, dict) else {}
    left_out = dict(
        doubled_images=doubled,
        images_of_later_splits=len(census.images) - doubled - len(kept),
        annotations=int((~keep).sum()))
    target = Path(root) / file.dedup
    write_coco(
        target, [source.images[i] for i in kept], source.categories,
        (annotations[i] for i in np.flatnonzero(keep)),
        lambda: dict(info, deduplicated=left_out),
        licenses=source.licenses)
    return (f'{target}: {len(kept):,} images, {keep.sum():,} annotations; '
            'left out: ' + ', '.join(f'{count:,} {what.replace("_", " ")}'
                                     for what, count in left_out.items()))


class _Verbatim(msgspec.Struct):
    """A COCO file whose parts are copied as they are."""
    images: List[msgspec.Raw]
    categories: List[msgspec.Raw]
    annotations: Union[List[msgspec.Raw], Dict[str, msgspec.Raw]]
    info: Any = None
    licenses: Any = None


def _best_entries(census: Census) -> List[int]:
    """Positions of the entries that stay, one per file, ascending."""
    cells = census.cells - census.doubled_cells
    best: Dict[int, int] = {}
    for entry, first in enumerate(census.first.tolist()):
        if first not in best or cells[entry] > cells[best[first]]:
            best[first] = entry
    return sorted(best.values())


def _check_images(folder: str, sizes: Dict[str, Tuple[int, int]]) -> None:
    """Check that images are there, readable and of the stated size.

    Raises:
        ImageFileError: Lists all faults of the folder.
    """
    faults = Faults(folder, ImageFileError)
    paths = find_images(folder, list(sizes), by_cell_type=True)
    for (name, size), path in track(
            zip(sizes.items(), paths),
            f'Reading {Path(folder).name}',
            total=len(sizes)):
        try:
            found = read_image(path).shape[:2]
        except ImageFileError as error:
            faults.add(str(error))
            continue
        if found != size:
            faults.add(f'{name}: {found[0]} x {found[1]} pixels (height x '
                       f'width), the annotations say {size[0]} x {size[1]}')
    faults.raise_if_any('Move the folder away and download the images again.')
