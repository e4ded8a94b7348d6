"""Loading microscope images and point labels."""
import warnings
from typing import Dict, Optional

import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmdet.datasets.transforms import LoadAnnotations
from mmdet.registry import TRANSFORMS
from mmengine.fileio import get_local_path

from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.intensities import (check_mode, missing_values, stretch,
                                           to_uint8)
from pace_mmdet.images.stacks import read_image
from pace_mmdet.structures import InstancePoints

from .checks import check_image_size, require_original_image
from .complete import CompleteOnly


@TRANSFORMS.register_module()
class LoadMicroscopyImage(LoadImageFromFile):
    """Load an image of 8, 16 or 32 bits or floats as three channels.

    A grey image is repeated in all three channels; a colour image comes out
    in BGR order, as from MMDetection's own ``LoadImageFromFile``.

    Required Keys:

    - img_path
    - height (optional)
    - width (optional)

    Modified Keys:

    - img
    - img_shape
    - ori_shape

    Args:
        normalize (str): 'percentile' stretches each image between its own
            percentiles, 'standard' clips to these and gives all the same
            mean and standard deviation, 'range' stretches all between the
            same two intensities, 'none' takes 8-bit images as they are and
            refuses others,
            'livecell' is the published preprocessing of LIVECell for images
            from elsewhere. Defaults to 'percentile'.
        low (float): Lower percentile, or intensity. Defaults to 0.1.
        high (float): Upper percentile, or intensity. Defaults to 99.9.
        page (int, optional): Plane to read of files with more than one,
            from 0. Defaults to None: such files are refused.
        channel (int, optional): Channel to read, from 0; its planes are the
            pages then. Defaults to None.
        to_float32 (bool): Whether to give float32 in [0, 255] without
            rounding instead of uint8. Defaults to False.
        keep_mb (int): MiB of prepared images to keep in memory, in each
            process that loads, for training on crops of the same few: of
            large images, preparing takes a good part of a training step.
            Images beyond are read each time. Defaults to 0.
        backend_args (dict, optional): mmengine's file backend.

    Raises:
        ValueError: If an argument makes no sense.
        ImageFileError: When an image is missing, broken, of a type that
            ``normalize`` refuses, or not of the size that the annotation
            file says.
    """

    def __init__(self,
                 normalize: str = 'percentile',
                 low: float = 0.1,
                 high: float = 99.9,
                 page: Optional[int] = None,
                 channel: Optional[int] = None,
                 to_float32: bool = False,
                 keep_mb: int = 0,
                 backend_args: Optional[dict] = None) -> None:
        super().__init__(to_float32=to_float32, backend_args=backend_args)
        check_mode(normalize, low, high)
        self.keep_mb = keep_mb
        self._kept: Dict[str, np.ndarray] = {}
        self.normalize = normalize
        self.low = low
        self.high = high
        self.page = page
        self.channel = channel

    def transform(self, results: dict) -> dict:
        """Read the image at ``results['img_path']``.

        Args:
            results (dict): Of a pipeline.

        Returns:
            dict: The same with ``img``, shape (H, W, 3), and its size.
        """
        path = results['img_path']
        img = self._kept.get(path)
        if img is None:
            img = self._prepare(path)
            # Crops are drawn at random: which images stay doesn't matter.
            kept = sum(other.nbytes for other in self._kept.values())
            if kept + img.nbytes <= self.keep_mb * 2**20:
                self._kept[path] = img
        # Grey to three equal channels, RGB to BGR.
        img = (np.repeat(img[..., None], 3, axis=2)
               if img.ndim == 2 else np.ascontiguousarray(img[..., ::-1]))
        results['img'] = img
        results['img_shape'] = img.shape[:2]
        results['ori_shape'] = img.shape[:2]
        check_image_size(results)
        return results

    def _prepare(self, path: str) -> np.ndarray:
        with get_local_path(path, backend_args=self.backend_args) as local:
            img = read_image(local, self.page, self.channel)
        scale = stretch if self.to_float32 else to_uint8
        missing = missing_values(img)
        try:
            img = scale(img, self.normalize, self.low, self.high)
        except ValueError as error:
            raise ImageFileError(f'{path}: {error}') from None
        if missing:
            # Python shows it once for each image.
            warnings.warn(f'{path}: {missing}')
        return img

    def __repr__(self) -> str:
        return (f'{self.__class__.__name__}(normalize={self.normalize!r}, '
                f'low={self.low}, high={self.high}, page={self.page}, '
                f'channel={self.channel}, to_float32={self.to_float32}, '
                f'keep_mb={self.keep_mb}, backend_args={self.backend_args})')


@TRANSFORMS.register_module()
class LoadPointAnnotations(CompleteOnly, LoadAnnotations):
    """Load boxes, labels and points of a :class:`CellPointDataset`.

    The points are in ``gt_masks``, where masks stand, as
    :class:`InstancePoints`: continuous coordinates, so half a pixel more
    than the pixel indices on disk. Of an image that is annotated in part, one
    of the parts is cut out.

    Required Keys:

    - ori_shape
    - num_points (optional)
    - complete (optional)
    - instances

      - bbox, bbox_label, ignore_flag
      - point_coords: pixel indices (x, y), shape (P, 2)
      - point_labels: 1, 0 or -1, shape (P, )

    Added Keys:

    - gt_bboxes (HorizontalBoxes, float32)
    - gt_bboxes_labels (np.int64)
    - gt_ignore_flags (bool)
    - gt_masks (InstancePoints)
    """

    def __init__(self) -> None:
        super().__init__(with_bbox=True, with_label=True, with_mask=True)

    def transform(self, results: dict) -> dict:
        """Load the annotations of an image that is already loaded.

        Args:
            results (dict): Of a pipeline.

        Returns:
            dict: The same with the keys above.
        """
        check_image_size(results)
        require_original_image(results, self.__class__.__name__)
        return self.cut_out(super().transform(results))

    def _load_masks(self, results: dict) -> None:
        instances = results['instances']
        if any('point_coords' not in instance for instance in instances):
            raise ValueError(
                f"{results.get('img_path')}: LoadPointAnnotations found "
                'instances without point_coords; the data set must be a '
                'CellPointDataset. For points from masks use '
                'CellMaskDataset and RandomPointLabel.')
        # An image without cells has as many points per cell as the others,
        # so that they can be joined by mosaic and mix-up.
        num_points = (
            len(instances[0]['point_labels'])
            if instances else results.get('num_points', 0))
        shape = (len(instances), num_points)
        coords = np.array([i['point_coords'] for i in instances],
                          dtype=np.float32).reshape(*shape, 2)
        labels = np.array([i['point_labels'] for i in instances],
                          dtype=np.int8).reshape(shape)
        results['gt_masks'] = InstancePoints(coords + 0.5, labels,
                                             *results['ori_shape'])

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}()'
