"""Point labels from masks while training."""
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS

from pace_mmdet.coco.points import check_num_points
from pace_mmdet.points import draw_points, flip_labels, label_points
from pace_mmdet.structures import InstancePoints

from .checks import check_image_size, require_original_image
from .complete import CompleteOnly


@TRANSFORMS.register_module()
class RandomPointLabel(CompleteOnly, BaseTransform):
    """Replace the masks of each image by random labelled points.

    Stands right after ``LoadAnnotations(with_bbox=True)`` on a
    :class:`CellMaskDataset`. The masks are read from the annotations
    themselves, so ``with_mask`` is not needed and costs time only. The
    points are those that ``masks_to_points.py`` writes for the same seed, in
    every epoch and whatever the number of workers. Of an image that is
    annotated in part, one of the parts is cut out then.

    Required Keys:

    - ori_shape
    - complete (optional)
    - gt_bboxes
    - instances

      - bbox
      - mask
      - ann_id
      - iscrowd (optional)

    Modified Keys:

    - gt_masks (InstancePoints)
    - gt_ignore_flags (bool)

    Args:
        num_points (int): Points per cell, at least 1.
        seed (int): Seed of the points. Defaults to 0.
        label_flip_prob (float): Probability that an annotator answers
            wrongly, for each point. Defaults to 0.

    Raises:
        ValueError: If an argument makes no sense; when the image was already
            resized, flipped or cropped; when instances have no ``ann_id`` or
            no mask.
    """

    def __init__(self,
                 num_points: int,
                 seed: int = 0,
                 label_flip_prob: float = 0.0) -> None:
        self.num_points = check_num_points(num_points)
        if not 0 <= label_flip_prob <= 1:
            raise ValueError('label_flip_prob must be in [0, 1], got '
                             f'{label_flip_prob}')
        self.seed = seed
        self.label_flip_prob = label_flip_prob

    def transform(self, results: dict) -> dict:
        """Draw and label the points of one image.

        Args:
            results (dict): Of a pipeline.

        Returns:
            dict: The same with the keys above.
        """
        self._check(results)
        instances = results['instances']
        height, width = results['ori_shape']
        ann_ids = np.array([i['ann_id'] for i in instances], dtype=np.int64)
        bboxes = np.array([i['bbox'] for i in instances], dtype=np.float64)
        points = draw_points(bboxes, ann_ids, self.num_points, height, width,
                             self.seed)
        masks = [i['mask'] for i in instances]
        labels = flip_labels(
            label_points(points, masks, height, width), ann_ids,
            self.label_flip_prob, self.seed)
        results['gt_masks'] = InstancePoints(
            points.astype(np.float32) + 0.5, labels, height, width)
        # LoadAnnotations(with_mask=True, poly2mask=False) ignores cells whose
        # mask is a run-length code; their points are as good as any.
        results['gt_ignore_flags'] = np.array(
            [i.get('iscrowd', i['ignore_flag']) or i.get('cut_off', False)
             for i in instances],
            dtype=bool)
        return self.cut_out(results)

    def _check(self, results: dict) -> None:
        name, path = self.__class__.__name__, results.get('img_path')
        if 'gt_bboxes' not in results:
            raise ValueError(f'{name} must stand after '
                             'LoadAnnotations(with_bbox=True)')
        check_image_size(results)
        require_original_image(results, name)
        instances = results['instances']
        if len(results['gt_bboxes']) != len(instances):
            raise ValueError(
                f"{path}: {name} found {len(results['gt_bboxes'])} boxes for "
                f'{len(instances)} instances; put it right after '
                'LoadAnnotations, before anything that filters boxes')
        for key, advice in (('ann_id', 'use CellMaskDataset, which passes the '
                             'annotation ids on (CocoDataset does not)'),
                            ('mask', 'points need masks to be labelled by; '
                             'use CellPointDataset for a point file')):
            missing = sum(key not in instance for instance in instances)
            if missing:
                raise ValueError(f'{path}: {name} found {missing} of '
                                 f'{len(instances)} instances without '
                                 f'{key}: {advice}')

    def __repr__(self) -> str:
        return (f'{self.__class__.__name__}(num_points={self.num_points}, '
                f'seed={self.seed}, '
                f'label_flip_prob={self.label_flip_prob})')
