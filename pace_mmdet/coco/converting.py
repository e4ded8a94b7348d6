"""From COCO masks to COCO points."""
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, List, Union

import numpy as np
from pycocotools import mask as mask_utils
from rich.progress import track

from pace_mmdet.errors import MAX_LISTED
from pace_mmdet.files import refuse_inputs
from pace_mmdet.points import draw_points, flip_labels, label_points

from .files import BLOCK_SIZE, CocoFile, ImageEntry, write_coco
from .masks import MaskAnnotation, read_block
from .point_checks import check_unique
from .points import check_num_points
from .whole_file import BoxFit, check_some_left


@dataclass
class ConversionReport:
    """What a conversion did.

    Attributes:
        images (int): Images in the file.
        kept (int): Annotations written.
        dropped (dict): Reason to ids of the annotations left out.
        fit (BoxFit): How boxes fit their masks.
    """
    images: int = 0
    kept: int = 0
    dropped: Dict[str, List[int]] = field(
        default_factory=lambda: defaultdict(list))
    fit: BoxFit = field(default_factory=BoxFit)

    def lines(self) -> List[str]:
        """The report as text."""
        total = sum(map(len, self.dropped.values()))
        return [
            f'{self.images} images, {self.kept} annotations written, '
            f'{total} left out'
        ] + dropped_lines(self.dropped) + [
            f'  {line}' for line in self.fit.lines()]


def dropped_lines(dropped: Dict[str, List[int]]) -> List[str]:
    """What was left out, as text.

    Args:
        dropped (dict): Reason to ids of annotations.

    Returns:
        list[str]: A line for each reason.
    """
    lines = []
    for reason, ids in dropped.items():
        more = f' ... and {len(ids) - MAX_LISTED} more' \
            if len(ids) > MAX_LISTED else ''
        lines.append(f'  {len(ids)} left out: {reason} (annotations ' +
                     ', '.join(map(str, ids[:MAX_LISTED])) + f'{more})')
    return lines


def masks_to_points(source: Union[str, Path],
                    target: Union[str, Path],
                    max_points: int = 10,
                    seed: int = 0,
                    flip_prob: float = 0.0) -> ConversionReport:
    """Write a point COCO file for a COCO file with masks.

    The points of an annotation depend on ``seed`` and its id only, and the
    first n are what ``num_points=n`` uses. Masks do not get into the target,
    not even by their area.

    Args:
        source (str or Path): COCO file with polygons or run-length codes.
        target (str or Path): File to write, atomically.
        max_points (int): Points per cell.
        seed (int): Seed of the points.
        flip_prob (float): Probability that an annotator answers wrongly,
            for each point.

    Returns:
        ConversionReport: What was kept and what was left out.

    Raises:
        ValueError: If an argument makes no sense.
        AnnotationError: If the source is missing, broken or no COCO file.
        UserError: If the target is the source.
    """
    check_num_points(max_points)
    if not 0 <= flip_prob <= 1:
        raise ValueError(f'flip_prob must be in [0, 1], got {flip_prob}')
    refuse_inputs([target], [source])
    file = CocoFile(source)
    file.faults.raise_if_any('Correct the file.')
    report = ConversionReport(images=len(file.images))
    ids: List[np.ndarray] = []

    def convert() -> Iterator[dict]:
        kept = crowds = 0
        blocks = track(
            file.blocks(MaskAnnotation),
            f'Points of {Path(source).name}',
            total=-(-len(file) // BLOCK_SIZE))
        for block in blocks:
            file.faults.raise_if_any('Correct the file.')
            ids.append(np.array([ann.id for ann in block], np.int64))
            for ann in _convert_block(block, file, report, max_points, seed,
                                      flip_prob):
                kept += 1
                crowds += bool(ann['iscrowd'])
                yield ann
        # Here nothing has come under the target's name yet.
        check_unique(ids, file.faults)
        file.faults.raise_if_any('Nothing was written.')
        check_some_left(source, kept, crowds, report.dropped,
                        'Nothing was written.')

    def info() -> Dict[str, Any]:
        return dict(
            description='boxes and labelled points made from masks',
            seed=seed,
            num_points=max_points,
            flip_prob=flip_prob,
            source=Path(source).name,
            source_version=file.info.get('version'),
            left_out={
                reason: len(ids)
                for reason, ids in report.dropped.items()
            })

    report.kept = write_coco(target, file.images, file.categories, convert(),
                             info)
    return report


def _convert_block(block: List[MaskAnnotation], file: CocoFile,
                   report: ConversionReport, max_points: int, seed: int,
                   flip_prob: float) -> Iterator[dict]:
    """Point annotations of some annotations, in their order."""
    images = {image.id: image for image in file.images}
    categories = {category.id for category in file.categories}
    masks, reasons = read_block(block, images, categories)
    for position, reason in reasons.items():
        report.dropped[reason].append(block[position].id)
    if masks:
        report.fit.add([block[position].bbox for position in masks],
                       mask_utils.toBbox(list(masks.values())))
    by_image = defaultdict(list)
    for position in masks:
        by_image[block[position].image_id].append(position)
    converted = {}
    for image_id, positions in by_image.items():
        own = [block[position] for position in positions]
        points, labels = _points_of(own, [masks[p] for p in positions],
                                    images[image_id], max_points, seed,
                                    flip_prob)
        for position, ann, coords, answers in zip(positions, own,
                                                  points.tolist(),
                                                  labels.tolist()):
            converted[position] = dict(
                id=ann.id,
                image_id=ann.image_id,
                category_id=ann.category_id,
                bbox=ann.bbox,
                area=ann.bbox[2] * ann.bbox[3],
                iscrowd=ann.iscrowd,
                point_coords=coords,
                point_labels=answers)
    for position in sorted(converted):
        yield converted[position]


def _points_of(annotations: List[MaskAnnotation], masks: List[dict],
               image: ImageEntry, num_points: int, seed: int,
               flip_prob: float) -> tuple:
    """Points (N, P, 2) and labels (N, P) of one image's annotations."""
    ann_ids = np.array([ann.id for ann in annotations], dtype=np.int64)
    bboxes = np.array([ann.bbox for ann in annotations], dtype=np.float64)
    bboxes[:, 2:] += bboxes[:, :2]
    points = draw_points(bboxes, ann_ids, num_points, image.height,
                         image.width, seed)
    labels = label_points(points, masks, image.height, image.width)
    return points, flip_labels(labels, ann_ids, flip_prob, seed)
