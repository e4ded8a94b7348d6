"""What makes a whole annotation file useless, though it can be read.

Each check works on numbers gathered while a file is gone through, so that
every command says the same of the same file.
"""
from typing import Dict, List, Mapping, Sequence, Union

import numpy as np

from pace_mmdet.errors import AnnotationError

# A box fits its mask if it covers this share of what both cover together.
# Published files have boxes a pixel or two off, which is less of large cells.
_FITS = 0.5
CROWD = 'marked "iscrowd"'
_ADVICE = {
    'box narrower': 'Boxes in parts of the image\'s size must be multiplied '
    'by it: COCO has pixels.',
    'bbox is not 4': 'Each annotation needs a bbox of x, y, width and height; '
    'pace data import makes them from masks.',
    'polygon that is not': 'A polygon is one flat list x0, y0, x1, y1, ... in '
    'a list; pace data import flattens lists of points.',
    'image_id': 'An annotation\'s image_id must be the id of an image, not '
    'its name.',
    CROWD: 'An "iscrowd" mask stands for many cells, of which none is '
    'learned. Some tools write it for every mask: set iscrowd to 0 '
    '(pace data import does with --crowds-are-cells).',
}


def check_some_left(source: object, kept: int, crowds: int,
                    left_out: Mapping[str, Union[int, Sequence[int]]],
                    consequence: str = 'Nothing can be learned.') -> None:
    """Refuse a file of which no annotation can be used.

    Args:
        source (object): The file.
        kept (int): Annotations that can be used.
        crowds (int): Those of them that are marked "iscrowd".
        left_out (Mapping): Reason to the number or the ids of others.
        consequence (str): What follows, for the message.

    Raises:
        AnnotationError: If none is left that is one cell, though the file
            has annotations; with all reasons, and what to do.
    """
    reasons: Dict[str, int] = {
        reason: found if isinstance(found, int) else len(found)
        for reason, found in left_out.items()}
    if kept > crowds or not (kept or reasons):
        return
    if crowds:
        reasons[CROWD] = reasons.get(CROWD, 0) + crowds
    total = sum(reasons.values())
    lines = [f'{source}: none of its {total} annotations can be used. '
             f'{consequence}']
    lines += [f'  - {count} {reason}' for reason, count in sorted(
        reasons.items(), key=lambda item: -item[1])]
    lines += [advice for start, advice in _ADVICE.items()
              if any(reason.startswith(start) for reason in reasons)]
    raise AnnotationError('\n'.join(lines))


class BoxFit:
    """Counts the boxes that do not fit their masks.

    Attributes:
        seen (int): Boxes compared.
        wrong (int): Those that do not fit.
        corners (int): Those of these that would as x1, y1, x2, y2.
    """

    def __init__(self) -> None:
        self.seen = self.wrong = self.corners = 0

    def add(self, bboxes: np.ndarray, mask_boxes: np.ndarray) -> None:
        """Compare boxes with those around their masks.

        Args:
            bboxes (ndarray): x, y, width, height; float, shape (N, 4).
            mask_boxes (ndarray): The same of the masks.
        """
        bboxes = np.asarray(bboxes, np.float64).reshape(-1, 4)
        mask_boxes = np.asarray(mask_boxes, np.float64).reshape(-1, 4)
        wrong = _overlap(bboxes, mask_boxes) < _FITS
        by_corners = bboxes.copy()
        by_corners[:, 2:] -= by_corners[:, :2]
        self.seen += len(bboxes)
        self.wrong += int(wrong.sum())
        self.corners += int(
            (wrong & (_overlap(by_corners, mask_boxes) >= _FITS)).sum())

    def lines(self) -> List[str]:
        """What was found, as text; nothing if all fit."""
        if not self.wrong:
            return []
        text = (f'warning: {self.wrong} of {self.seen} boxes do not fit '
                'their masks')
        if self.corners:
            text += (f'; {self.corners} of these would as x1, y1, x2, y2, '
                     'but COCO has x, y, width, height')
        return [text]


def _overlap(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (x, y, w, h), pair by pair."""
    low = np.maximum(one[:, :2], other[:, :2])
    high = np.minimum(one[:, :2] + one[:, 2:], other[:, :2] + other[:, 2:])
    shared = (high - low).clip(0).prod(axis=1)
    areas = (one[:, 2:].clip(0).prod(axis=1) +
             other[:, 2:].clip(0).prod(axis=1))
    return shared / np.maximum(areas - shared, 1e-9)
