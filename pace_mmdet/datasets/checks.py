"""What the data set classes ask of an annotation file as a whole."""
from typing import Dict, List, Optional, Sequence

from pace_mmdet.errors import AnnotationError


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
