"""LIVECell's files: what there is, and where it lies.

Source of names and addresses: README.md of the repository
sartorius-research/LIVECell.
"""
import re
from pathlib import PurePosixPath
from typing import List, NamedTuple, Optional

BASE_URL = ('https://livecell-dataset.s3.eu-central-1.amazonaws.com/'
            'LIVECell_dataset_2021/')
CELL_TYPES = ('A172', 'BT474', 'BV2', 'Huh7', 'MCF7', 'SHSY5Y', 'SkBr3',
              'SKOV3')
ARCHIVE = 'images.zip'
IMAGES = 'images'
# Of each split; the JSON holds bare file names.
IMAGE_FOLDERS = dict(
    train=f'{IMAGES}/livecell_train_val_images',
    val=f'{IMAGES}/livecell_train_val_images',
    test=f'{IMAGES}/livecell_test_images')
SPLITS = tuple(IMAGE_FOLDERS)
WHOLE = 'all'
_SIZE_SPLITS = {
    '2percent': '0_train2percent',
    '4percent': '1_train4percent',
    '5percent': '2_train5percent',
    '25percent': '3_train25percent',
    '50percent': '4_train50percent'
}
# The whole of LIVECell, one cell type, or a part of the images for training.
ANNOTATION_SETS = (WHOLE, *CELL_TYPES, *_SIZE_SPLITS)

# A172_Phase_C7_1_02d16h00m_2.tif
_NAME = re.compile(r'([A-Za-z0-9]+)_Phase_')


class AnnotationFile(NamedTuple):
    """One of LIVECell's annotation files.

    Attributes:
        split (str): 'train', 'val' or 'test'.
        remote (str): Path below the base address.
        local (str): Path below the data set's folder.
    """
    split: str
    remote: str
    local: str

    @property
    def points(self) -> str:
        """Path of the point labels made from it, below the same folder."""
        if 'livecell_coco_' in self.local:
            return self.local.replace('livecell_coco_', 'livecell_points_')
        return self.local.replace('.json', '_points.json')

    @property
    def dedup(self) -> str:
        """Path of the copy without what is doubled, below the same folder."""
        return self.local.replace('.json', '_dedup.json')


def annotation_files(name: str) -> List[AnnotationFile]:
    """The files of one annotation set.

    Args:
        name (str): One of :data:`ANNOTATION_SETS`.

    Returns:
        list[AnnotationFile]: Of its splits, the one for training first.
    """
    folder = 'annotations'
    if name == WHOLE:
        return [
            AnnotationFile(split,
                           f'{folder}/LIVECell/livecell_coco_{split}.json',
                           f'{folder}/livecell_coco_{split}.json')
            for split in SPLITS
        ]
    if name in _SIZE_SPLITS:
        path = (f'{folder}/LIVECell_dataset_size_split/'
                f'{_SIZE_SPLITS[name]}.json')
        return [AnnotationFile('train', path, path)]
    folder += f'/LIVECell_single_cells/{name.lower()}'
    return [
        AnnotationFile(split, f'{folder}/{split}.json',
                       f'{folder}/{split}.json') for split in SPLITS
    ]


def find_set(name: str) -> str:
    """An annotation set's name in its proper case; others as they are."""
    proper = {known.lower(): known for known in ANNOTATION_SETS}
    return proper.get(name.lower(), name)


def cell_type(file_name: str) -> Optional[str]:
    """The cell type that a LIVECell file name starts with, if it does."""
    found = _NAME.match(PurePosixPath(file_name).name)
    return found.group(1) if found else None
