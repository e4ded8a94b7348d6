"""What is compared: data sets, their parts, and what labels of them cost.

A data set is a folder of images and COCO files with masks, one to learn from
and one to be scored on. The parts are chosen by file name, so that they are
the same everywhere:

- ``ours`` are the images that get boxes and answers;
- ``peer`` are whole images of these that get masks in the same hours, by the
  paper's model of annotation time (7 s a box, 0.9 s an answer, 46 s a mask):
  at 4 answers 23 % as many cells. They are chosen to differ from each other;
- ``check`` are images on which settings are chosen: neither trained on nor
  scored on (HeLa's hold the cells of ``ours`` at other times).

HeLa is a film in which cells hardly move: of its 20 frames, four that are far
apart are taken, so that fewer labels are fewer different cells.
"""
import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple

from pace_mmdet.points.cost import AnnotationCost

COST = AnnotationCost()


@dataclass(frozen=True)
class Contest:
    """A data set to compete on.

    Attributes:
        title (str): For tables.
        train (str): COCO file, below the data set's folder.
        train_images (str): Folder of its images.
        test (str): COCO file.
        test_images (str): Folder of its images.
        ours (Tuple[str, ...]): Parts of the names of images with boxes and
            answers; none for all.
        peer (Tuple[str, ...]): Of these, the images with masks.
        check (Tuple[str, ...]): Parts of the names of images to choose
            settings on; none for all of ``check_file``.
        check_file (str): COCO file of those, with images in
            ``train_images``; none for ``train``.
    """
    title: str
    train: str
    train_images: str
    test: str
    test_images: str
    ours: Tuple[str, ...]
    peer: Tuple[str, ...]
    check: Tuple[str, ...]
    check_file: str = ''

    def part(self, root: Path, name: str) -> dict:
        """COCO content of a part: 'ours', 'peer', 'check' or 'test'."""
        file, names = dict(
            ours=(self.train, self.ours),
            peer=(self.train, self.peer),
            check=(self.check_file or self.train, self.check),
            test=(self.test, ()))[name]
        return keep_images(json.loads((root / file).read_text()), names)

    def images(self, root: Path, name: str) -> Dict[str, Path]:
        """Paths by file name; LIVECell's lie in folders below."""
        folder = self.test_images if name == 'test' else self.train_images
        return {path.name: path for path in sorted((root / folder).rglob('*'))
                if path.is_file()}


CONTESTS = dict(
    hela=Contest(
        'HeLa nuclei, 4 frames', 'annotations/train_masks.json',
        'images/train', 'annotations/val_masks.json', 'images/val',
        ('_t00_', '_t06_', '_t13_', '_t19_'), ('_t06_', ),
        ('_t03_', '_t10_', '_t16_')),
    livecell=Contest(
        'LIVECell, 9 images', 'annotations/livecell_coco_train.json',
        'images', 'annotations/livecell_coco_test.json', 'images', (),
        ('A172_Phase_C7_1_01d12h00m_3', 'BT474_Phase_C3_1_01d04h00m_4',
         'MCF7_Phase_F4_2_00d00h00m_4', 'SKOV3_Phase_E4_2_00d08h00m_4'), (),
        'annotations/livecell_coco_val.json'),
    usiigaci=Contest(
        'Usiigaci, 6 images', 'coco_train.json', 'images', 'coco_val.json',
        'images', ('set01', 'set16', 'set25', 'set34', 'set39', 'set45'),
        ('set25', 'set39'), ('set03', 'set18', 'set28', 'set41')))


def keep_images(content: dict, names: Tuple[str, ...]) -> dict:
    """The part of a COCO file whose image names hold one of ``names``.

    Raises:
        ValueError: If one of them is in no image's name.
    """
    files = [image['file_name'] for image in content['images']]
    missing = [name for name in names
               if not any(name in file for file in files)]
    if missing:
        raise ValueError(f'no image is named like {missing}')
    images = [
        dict(image, file_name=Path(image['file_name']).name)
        for image in content['images']
        if not names or any(name in image['file_name'] for name in names)
    ]
    ids = {image['id'] for image in images}
    return dict(
        images=images,
        annotations=[annotation for annotation in content['annotations']
                     if annotation['image_id'] in ids],
        categories=content['categories'])


def cell_length(content: dict) -> float:
    """Median of the longer sides of boxes, in pixels."""
    return statistics.median(
        max(annotation['bbox'][2:]) for annotation in content['annotations'])


def label_hours(cells: int, points: int) -> float:
    """Hours of labelling: boxes and answers, or masks with ``points`` < 0."""
    seconds = COST.seconds_per_mask if points < 0 else COST.seconds(points)
    return cells * seconds / 3600


def thresholds_part(content: dict, most: int = 4) -> dict:
    """Evenly spaced images on which the score threshold is chosen."""
    images: List[dict] = content['images']
    step = max(len(images) // most, 1)
    names = tuple(image['file_name'] for image in images[::step][:most])
    return keep_images(content, names)
