"""Labelled points that stand where MMDetection expects instance masks.

Letters in the shapes: N cells, P points per cell.

Coordinates are continuous pixels of the current image: pixel i covers
[i, i + 1) and has its centre at i + 0.5. OpenCV and mmcv place the centre of
pixel i at i; :meth:`InstancePoints._warp` is the one place that converts.
"""
from typing import NoReturn, Optional, Sequence, Tuple, Union

import cv2
import mmcv
import numpy as np
import torch
from mmdet.structures.mask import BaseInstanceMasks


class InstancePoints(BaseInstanceMasks):
    """Points per cell, each on the cell, off it, or not to be used.

    As a :class:`BaseInstanceMasks`, it can be put into ``gt_masks`` and
    follows the image through MMDetection's transforms, samplers and RoI
    heads. All methods return new objects; a point that leaves the image once
    is not used again, even if a later step would bring it back.

    Args:
        coords (ndarray): Points (x, y) in pixels of the image, shape
            (N, P, 2); stored as float32.
        labels (ndarray): 1 on the cell, 0 off it, -1 not to be used, shape
            (N, P); stored as int8. Points outside the image, that is not in
            [0, width) x [0, height), become -1.
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.

    Raises:
        ValueError: If shapes do not fit or a label is not 1, 0 or -1.

    Example:
        >>> points = InstancePoints([[[2.5, 1.5], [7.5, 3.5]]], [[1, 0]], 4, 8)
        >>> points.flip('horizontal').coords.tolist()
        [[[5.5, 1.5], [0.5, 3.5]]]
        >>> points.crop(np.array([0, 0, 4, 4])).labels.tolist()
        [[1, -1]]
    """

    def __init__(self, coords: np.ndarray, labels: np.ndarray, height: int,
                 width: int) -> None:
        coords = np.asarray(coords, dtype=np.float32)
        labels = np.asarray(labels)
        if coords.size == 0 and coords.ndim != 3:
            coords = coords.reshape(*labels.shape[:2], 2) \
                if labels.ndim >= 2 else coords.reshape(0, 0, 2)
            labels = labels.reshape(coords.shape[:2])
        if coords.ndim != 3 or coords.shape[2] != 2 or \
                labels.shape != coords.shape[:2]:
            raise ValueError(
                'expected coords of shape (N, P, 2) and labels of shape '
                f'(N, P), got {coords.shape} and {labels.shape}')
        if not np.isin(labels, (1, 0, -1)).all():
            wrong = labels[~np.isin(labels, (1, 0, -1))][0]
            raise ValueError(f'a label must be 1, 0 or -1, got {wrong}')
        self.height = int(height)
        self.width = int(width)
        self.coords = coords
        inside = ((coords >= 0) & (coords < (self.width, self.height))).all(-1)
        self.labels = np.where(inside, labels, -1).astype(np.int8)

    @property
    def num_points(self) -> int:
        """int: Points per cell, P."""
        return self.coords.shape[1]

    def __len__(self) -> int:
        """Number of cells, N."""
        return len(self.coords)

    def __getitem__(
        self, index: Union[int, slice, Sequence, np.ndarray, torch.Tensor]
    ) -> 'InstancePoints':
        """Select cells.

        Args:
            index (int | slice | Sequence | ndarray | Tensor): Positions or a
                mask of booleans. An int selects one cell, N = 1.
        """
        if isinstance(index, torch.Tensor):
            index = index.cpu().numpy()
        elif isinstance(index, (list, tuple)):
            index = np.asarray(index, dtype=None if len(index) else np.int64)
        if np.ndim(index) == 0 and not isinstance(index, slice):
            index = [int(index)]
        return InstancePoints(self.coords[index], self.labels[index],
                              self.height, self.width)

    def __repr__(self) -> str:
        return (f'{self.__class__.__name__}(num_instances={len(self)}, '
                f'num_points={self.num_points}, height={self.height}, '
                f'width={self.width})')

    # Changes of the image ---------------------------------------------------

    def _moved(self, coords: np.ndarray, height: int,
               width: int) -> 'InstancePoints':
        """The same labels at new places in an image of a new size."""
        return InstancePoints(coords, self.labels, height, width)

    def _warp(self, matrix: np.ndarray,
              out_shape: Tuple[int, int]) -> 'InstancePoints':
        """Apply an affine map given in OpenCV's coordinates.

        Args:
            matrix (ndarray): Shape (2, 3); maps (x, y, 1) where the centre of
                pixel i is at i.
            out_shape (tuple[int]): (height, width) of the image afterwards.
        """
        matrix = np.asarray(matrix, dtype=np.float64)
        centres = self.coords - 0.5
        return self._moved(centres @ matrix[:, :2].T + matrix[:, 2] + 0.5,
                           *out_shape[:2])

    def rescale(self,
                scale: Union[float, Tuple[int, int]],
                interpolation: str = 'nearest') -> 'InstancePoints':
        """Resize by a factor, or to fit into a size, keeping the ratio.

        Args:
            scale (float | tuple[int]): As :func:`mmcv.imrescale` takes it.
            interpolation (str): Unused.
        """
        width, height = mmcv.rescale_size((self.width, self.height), scale)
        return self.resize((height, width))

    def resize(self,
               out_shape: Tuple[int, int],
               interpolation: str = 'nearest') -> 'InstancePoints':
        """Resize to (height, width)."""
        height, width = out_shape[:2]
        factors = np.array([width / self.width, height / self.height])
        return self._moved(self.coords * factors, height, width)

    def flip(self, flip_direction: str = 'horizontal') -> 'InstancePoints':
        """Flip 'horizontal', 'vertical' or 'diagonal' (both)."""
        if flip_direction not in ('horizontal', 'vertical', 'diagonal'):
            raise ValueError("flip_direction must be 'horizontal', 'vertical' "
                             f"or 'diagonal', got {flip_direction!r}")
        coords = self.coords.copy()
        if flip_direction != 'vertical':
            coords[..., 0] = self.width - coords[..., 0]
        if flip_direction != 'horizontal':
            coords[..., 1] = self.height - coords[..., 1]
        return self._moved(coords, self.height, self.width)

    def pad(self,
            out_shape: Tuple[int, int],
            pad_val: int = 0) -> 'InstancePoints':
        """Enlarge the image to (height, width) to the right and below."""
        return self._moved(self.coords, *out_shape[:2])

    def crop(self, bbox: np.ndarray) -> 'InstancePoints':
        """Crop to a box (x1, y1, x2, y2) of whole pixels, shape (4, ).

        As for bitmaps, the box is clipped to the image and at least one pixel
        large.
        """
        limits = (self.width, self.height) * 2
        x1, y1, x2, y2 = (
            min(max(int(side), 0), limit) for side, limit in zip(bbox, limits))
        return self._moved(self.coords - (x1, y1), max(y2 - y1, 1),
                           max(x2 - x1, 1))

    def expand(self, expanded_h: int, expanded_w: int, top: int,
               left: int) -> 'InstancePoints':
        """Place the image at (left, top) of a larger one."""
        return self._moved(self.coords + (left, top), expanded_h, expanded_w)

    def translate(self,
                  out_shape: Tuple[int, int],
                  offset: Union[float, Tuple[float, float]],
                  direction: str = 'horizontal',
                  border_value: int = 0,
                  interpolation: str = 'bilinear') -> 'InstancePoints':
        """Move by an offset in pixels.

        Args:
            out_shape (tuple[int]): (height, width) of the image afterwards.
            offset (float | tuple[float]): Pixels; with direction 'both' a
                pair (horizontal, vertical).
            direction (str): 'horizontal', 'vertical' or 'both'.
            border_value (int): Unused.
            interpolation (str): Unused.
        """
        if direction == 'both':
            shift = (offset, offset) if np.ndim(offset) == 0 else offset
        else:
            shift = dict(horizontal=(offset, 0), vertical=(0, offset))
            if direction not in shift:
                raise ValueError("direction must be 'horizontal', 'vertical' "
                                 f"or 'both', got {direction!r}")
            shift = shift[direction]
        return self._moved(self.coords + np.asarray(shift), *out_shape[:2])

    def shear(self,
              out_shape: Tuple[int, int],
              magnitude: float,
              direction: str = 'horizontal',
              border_value: Union[int, Tuple[int, int]] = 0,
              interpolation: str = 'bilinear') -> 'InstancePoints':
        """Shear as :func:`mmcv.imshear` does."""
        if direction not in ('horizontal', 'vertical'):
            raise ValueError("direction must be 'horizontal' or 'vertical', "
                             f'got {direction!r}')
        matrix = np.eye(2, 3)
        matrix[(0, 1) if direction == 'horizontal' else (1, 0)] = magnitude
        return self._warp(matrix, out_shape)

    def rotate(self,
               out_shape: Tuple[int, int],
               angle: float,
               center: Optional[Tuple[float, float]] = None,
               scale: float = 1.0,
               border_value: int = 0,
               interpolation: str = 'bilinear') -> 'InstancePoints':
        """Rotate as :func:`mmcv.imrotate` does, clockwise for angle > 0.

        Args:
            out_shape (tuple[int]): (height, width) of the image afterwards.
            angle (float): Degrees.
            center (tuple[float], optional): Centre (x, y) of the rotation,
                where the centre of pixel i is at i. Default: the image's.
            scale (float): Factor of size.
            border_value (int): Unused.
            interpolation (str): Unused.
        """
        if center is None:
            center = ((self.width - 1) * 0.5, (self.height - 1) * 0.5)
        return self._warp(
            cv2.getRotationMatrix2D(center, -angle, scale), out_shape)

    # Conversions ------------------------------------------------------------

    def to_ndarray(self) -> np.ndarray:
        """Points as x, y, label.

        Returns:
            ndarray: float32, shape (N, P, 3).
        """
        return np.concatenate(
            [self.coords, self.labels[..., None].astype(np.float32)], axis=-1)

    def to_tensor(self, dtype: torch.dtype,
                  device: Union[str, torch.device]) -> torch.Tensor:
        """Points as x, y, label.

        Returns:
            Tensor: Shape (N, P, 3).
        """
        return torch.from_numpy(self.to_ndarray()).to(
            dtype=dtype, device=device)

    @classmethod
    def cat(cls, masks: Sequence['InstancePoints']) -> 'InstancePoints':
        """Join the cells of several sets of points on one image.

        Cells with fewer points than others are filled up with points that
        are not used.

        Raises:
            ValueError: If there is nothing to join or the images' sizes
                differ.
            TypeError: If there is something else than points among them.
        """
        if not len(masks):
            raise ValueError('expected at least one InstancePoints to join')
        for item in masks:
            if not isinstance(item, cls):
                raise TypeError('points can only be joined with points, not '
                                f'with {type(item).__name__}')
        sizes = {(item.height, item.width) for item in masks}
        if len(sizes) > 1:
            raise ValueError('points on images of different sizes (height, '
                             f'width) cannot be joined: {sorted(sizes)}')
        num_points = max(item.num_points for item in masks)
        coords, labels = [], []
        for item in masks:
            missing = num_points - item.num_points
            coords.append(np.pad(item.coords, ((0, 0), (0, missing), (0, 0))))
            labels.append(
                np.pad(
                    item.labels, ((0, 0), (0, missing)), constant_values=-1))
        return cls(
            np.concatenate(coords), np.concatenate(labels), *sizes.pop())

    # What points do not have ------------------------------------------------

    @property
    def masks(self) -> NoReturn:
        """Points have no pixels."""
        raise TypeError(
            'point labels have no pixel masks. Transforms that edit pixels '
            '(CopyPaste, RandomErasing, RandomCenterCropPad) cannot be used '
            'with them; use .coords and .labels')

    @property
    def areas(self) -> NoReturn:
        """Points have no area."""
        raise TypeError('point labels have no areas; use the areas of '
                        'gt_bboxes')

    def get_bboxes(self, dst_type: str = 'hbb') -> NoReturn:
        """Points have no extent."""
        raise TypeError('boxes cannot be computed from point labels; use '
                        'gt_bboxes, and recompute_bbox=False in RandomCrop')

    def crop_and_resize(self,
                        bboxes: np.ndarray,
                        out_shape: Tuple[int, int],
                        inds: np.ndarray,
                        device: str = 'cpu',
                        interpolation: str = 'bilinear',
                        binarize: bool = True) -> NoReturn:
        """Points have no target grid."""
        raise TypeError('point labels give no mask targets; use PointMaskHead '
                        'as the mask head instead of one for full masks')
