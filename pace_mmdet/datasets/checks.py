"""What the data set classes ask of an annotation file as a whole."""
import logging
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from mmengine.logging import print_log

from pace_mmdet.errors import MAX_LISTED, AnnotationError, UserError

from .transforms.complete import CompleteOnly


def class_ids(classes: Sequence[str], known: Dict[str, int]) -> List[int]:
    """Category ids of a data set's classes.

    Args:
        classes (Sequence[str]): The classes, in the order of their labels.
        known (dict): Name to id of the file's categories.

    Returns:
        list[int]: One id per class.

    Raises:
        AnnotationError: If a class is not in the file.
    """
    missing = [name for name in classes if name not in known]
    if missing:
        raise AnnotationError(
            f'the classes {missing} are not among the annotation file\'s '
            f'categories {list(known)[:20]}: set metainfo=dict(classes=...) '
            'to those that you want')
    return [known[name] for name in classes]


def require_images(kept: int, total: int, ann_file: str,
                   filter_cfg: Optional[dict]) -> None:
    """Make sure that a data set is not empty.

    Args:
        kept (int): Images that are left.
        total (int): Images in the file.
        ann_file (str): The file.
        filter_cfg (dict, optional): What left images out.

    Raises:
        AnnotationError: If none is left.
    """
    if not kept:
        raise AnnotationError(
            f'{ann_file}: no image to work with; the file lists {total}, and '
            f'filter_cfg={filter_cfg} leaves none of them')


def leave_out_incomplete(data_list: List[dict], ann_file: str) -> List[dict]:
    """Leave out images of which nothing is fully annotated, and say so.

    Args:
        data_list (list[dict]): Of each image its ``img_path`` and, unless all
            of it is complete, its regions ``complete``, shape (K, 4).
        ann_file (str): The file.

    Returns:
        list[dict]: The others.

    Raises:
        AnnotationError: If there are none.
    """
    kept = [info for info in data_list
            if info.get('complete') is None or len(info['complete'])]
    left = [Path(info['img_path']).name for info in data_list
            if info.get('complete') is not None and not len(info['complete'])]
    if not left:
        return kept
    names = ', '.join(left[:MAX_LISTED]) + (
        f' and {len(left) - MAX_LISTED} more'
        if len(left) > MAX_LISTED else '')
    if not kept:
        raise AnnotationError(
            f'{ann_file}: all of its images say "complete": false, so that '
            f'nothing can be learned from them: {names}')
    print_log(
        f'{ann_file}: {len(left)} of {len(data_list)} images are left out, '
        f'they are not fully annotated ("complete": false): {names}',
        logger='current',
        level=logging.WARNING)
    return kept


def require_cutting(data_list: List[dict], transforms: Sequence,
                    ann_file: str) -> None:
    """Make sure that a pipeline takes only what is complete.

    Args:
        data_list (list[dict]): As of :func:`leave_out_incomplete`.
        transforms (Sequence): The pipeline's; with none, nothing is learned.
        ann_file (str): The file.

    Raises:
        AnnotationError: If it would take more.
    """
    if transforms and any('complete' in info for info in data_list) and not \
            any(isinstance(step, CompleteOnly) for step in transforms):
        raise AnnotationError(
            f'{ann_file}: some of its images are annotated in part '
            '("complete": [[x, y, w, h], ...]). A pipeline that trains on '
            'them needs LoadPointAnnotations, LoadPolygonAnnotations or '
            'RandomPointLabel, which cut these parts out')


def require_masks(settings: dict, config: str, split: str) -> None:
    """Raise a UserError if a config's data set is none with masks."""
    if settings['type'] != 'CellMaskDataset':
        raise UserError(f'{config}: its {split} set has no masks; give '
                        'another --split')
