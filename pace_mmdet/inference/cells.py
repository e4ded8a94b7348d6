"""Segmented cells of one image, each mask kept on its own few pixels.

Letters in the shapes: N cells, H and W the image's height and width, h and w
those of one cell's box of pixels.
"""
from dataclasses import dataclass, replace
from typing import Dict, List, Sequence, Tuple

import numpy as np

from pace_mmdet.masks.crops import encode_crops, rle_crops


@dataclass(frozen=True)
class Cells:
    """The cells of one image.

    Attributes:
        height (int): Height H of the image in pixels.
        width (int): Width W of the image in pixels.
        bboxes (ndarray): The network's boxes (x1, y1, x2, y2) in image
            pixels, continuous, float64, shape (N, 4).
        scores (ndarray): From 0 to 1, float64, shape (N, ).
        labels (ndarray): Index of the class, int64, shape (N, ).
        corners (ndarray): Pixel (x, y) of each crop's first pixel in the
            image, int64, shape (N, 2).
        crops (list[ndarray]): N masks, bool, shape (h, w): the smallest
            boxes of pixels that hold them, so never without a pixel.
    """
    height: int
    width: int
    bboxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    corners: np.ndarray
    crops: List[np.ndarray]

    def __len__(self) -> int:
        return len(self.crops)

    def __getitem__(self, index) -> 'Cells':
        """Some of the cells, by a slice or an index or boolean array."""
        rows = np.arange(len(self))[index]
        return replace(
            self,
            bboxes=self.bboxes[rows],
            scores=self.scores[rows],
            labels=self.labels[rows],
            corners=self.corners[rows],
            crops=[self.crops[row] for row in rows])

    @property
    def mask_boxes(self) -> np.ndarray:
        """Boxes (x1, y1, x2, y2) of the masks' pixels, int64, (N, 4)."""
        sizes = np.array([crop.shape[::-1] for crop in self.crops],
                         dtype=np.int64).reshape(-1, 2)
        return np.concatenate([self.corners, self.corners + sizes], axis=1)

    @property
    def areas(self) -> np.ndarray:
        """Pixels of each mask, int64, shape (N, )."""
        return np.array([np.count_nonzero(crop) for crop in self.crops],
                        dtype=np.int64)

    def codes(self) -> List[dict]:
        """The masks as compressed COCO run-length codes of the image.

        Returns:
            list[dict]: N times ``size`` [H, W] and ``counts``, bytes.
        """
        by_shape: Dict[Tuple[int, int], List[int]] = {}
        for row, crop in enumerate(self.crops):
            by_shape.setdefault(crop.shape, []).append(row)
        counts: List[bytes] = [b''] * len(self)
        for rows in by_shape.values():
            texts = encode_crops(
                np.stack([self.crops[row] for row in rows]),
                self.corners[rows], self.height, self.width)
            for row, text in zip(rows, texts):
                counts[row] = text
        size = [self.height, self.width]
        return [dict(size=size, counts=text) for text in counts]

    def label_image(self, dtype: type = np.uint32) -> np.ndarray:
        """Number each pixel by its cell.

        Where cells overlap, the pixel is the better scoring one's (the
        first one's, if they score alike).

        Args:
            dtype (type): An unsigned type that holds N.

        Returns:
            ndarray: 0 is background, cell i is i + 1; shape (H, W).
        """
        labels = np.zeros((self.height, self.width), dtype)
        for row in np.argsort(-self.scores, kind='stable')[::-1]:
            x1, y1, x2, y2 = self.mask_boxes_of(row)
            labels[y1:y2, x1:x2][self.crops[row]] = row + 1
        return labels

    def mask_boxes_of(self, row: int) -> Tuple[int, int, int, int]:
        """Box (x1, y1, x2, y2) of one mask's pixels."""
        (x, y), (height, width) = self.corners[row], self.crops[row].shape
        return x, y, x + width, y + height

    def shifted(self, x: int, y: int, height: int, width: int) -> 'Cells':
        """The same cells on an image of which this one is a part.

        Args:
            x (int): Column of the part's first pixel.
            y (int): Row of the part's first pixel.
            height (int): Height of the whole in pixels.
            width (int): Width of the whole in pixels.
        """
        return replace(
            self,
            height=height,
            width=width,
            bboxes=self.bboxes + np.array([x, y, x, y]),
            corners=self.corners + np.array([x, y]))

    def clipped(self) -> 'Cells':
        """Without what lies beyond the image's right and lower end."""
        boxes = self.mask_boxes
        beyond = ((boxes[:, 2] > self.width) | (boxes[:, 3] > self.height))
        if not beyond.any():
            return self
        crops = list(self.crops)
        for row in np.flatnonzero(beyond):
            x, y = self.corners[row]
            crops[row] = crops[row][:max(self.height - y, 0),
                                    :max(self.width - x, 0)]
        found = replace(self, crops=crops)[
            [row for row, crop in enumerate(crops) if crop.any()]]
        # What is left of a mask may be smaller than its box.
        return _tightened(found)


def _tightened(cells: Cells) -> Cells:
    corners, crops = cells.corners.copy(), list(cells.crops)
    for row, crop in enumerate(crops):
        y, x = (np.flatnonzero(crop.any(axis=axis)) for axis in (1, 0))
        corners[row] += x[0], y[0]
        crops[row] = crop[y[0]:y[-1] + 1, x[0]:x[-1] + 1]
    return replace(cells, corners=corners, crops=crops)


def join_cells(parts: Sequence[Cells]) -> Cells:
    """The cells of one image from several lists of them.

    Args:
        parts (Sequence[Cells]): At least one, all of one image.
    """
    return replace(
        parts[0],
        bboxes=np.concatenate([part.bboxes for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        corners=np.concatenate([part.corners for part in parts]),
        crops=[crop for part in parts for crop in part.crops])


def no_cells(height: int, width: int) -> Cells:
    """An image without any."""
    return Cells(height, width, np.zeros((0, 4)), np.zeros(0),
                 np.zeros(0, np.int64), np.zeros((0, 2), np.int64), [])


def cells_from_codes(codes: Sequence[dict], bboxes: np.ndarray,
                     scores: np.ndarray, labels: np.ndarray, height: int,
                     width: int) -> Cells:
    """Cells from run-length codes; those without a pixel are left out.

    Args:
        codes (Sequence[dict]): N COCO run-length codes of the image.
        bboxes (ndarray): As in :class:`Cells`.
        scores (ndarray): As in :class:`Cells`.
        labels (ndarray): As in :class:`Cells`.
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.
    """
    rows, corners, crops = [], [], []
    for row, (columns, (left, top)) in enumerate(rle_crops(codes)):
        covered = np.flatnonzero(columns.any(axis=1))
        if not len(covered):
            continue
        first, last = covered[[0, -1]]
        rows.append(row)
        corners.append((left, top + first))
        # A copy: the rest of the columns is not to be kept.
        crops.append(columns[first:last + 1].copy())
    return Cells(
        height, width,
        np.asarray(bboxes, np.float64).reshape(-1, 4)[rows],
        np.asarray(scores, np.float64)[rows],
        np.asarray(labels, np.int64)[rows],
        np.array(corners, np.int64).reshape(-1, 2), crops)
