"""Full masks as polygons while training."""
from typing import List, Sequence

import numpy as np
from mmdet.datasets.transforms import LoadAnnotations
from mmdet.registry import TRANSFORMS

from pace_mmdet.masks.crops import rle_crops
from pace_mmdet.masks.pixel_outlines import pixel_outlines

from .checks import check_image_size, require_original_image
from .complete import CompleteOnly


@TRANSFORMS.register_module()
class LoadPolygonAnnotations(CompleteOnly, LoadAnnotations):
    """Load boxes, labels and masks as polygons, whatever form they have.

    Polygons scale and flip exactly; bitmaps don't: nearest-neighbour resizing
    moves them by half a pixel on average, and with them all that is learned.
    Nor do thousands of cells need a bitmap of the image each. (The reference,
    detectron2, trains on polygons as well.) Where MMDetection's
    ``LoadAnnotations(poly2mask=False)`` ignores cells whose mask is a
    run-length code, these get the outline of their pixels. Of an image that
    is annotated in part, one of the parts is cut out.

    Required Keys:

    - ori_shape
    - complete (optional)
    - instances

      - bbox, bbox_label, ignore_flag
      - mask: polygons or a run-length code

    Added Keys:

    - gt_bboxes (HorizontalBoxes, float32)
    - gt_bboxes_labels (np.int64)
    - gt_ignore_flags (bool)
    - gt_masks (PolygonMasks)
    """

    def __init__(self) -> None:
        super().__init__(with_bbox=True, with_mask=True, poly2mask=False)

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

    def _process_masks(self, results: dict) -> list:
        """Polygons of each instance; run-length codes are outlined."""
        instances = [dict(instance) for instance in results['instances']]
        coded = [instance for instance in instances
                 if isinstance(instance['mask'], dict)]
        polygons = code_polygons([instance['mask'] for instance in coded])
        for instance, parts in zip(coded, polygons):
            instance['mask'] = parts
        # The parent marks cells that nothing is left of as to be ignored.
        shown = dict(results, instances=instances)
        masks = super()._process_masks(shown)
        results['gt_ignore_flags'] = shown['gt_ignore_flags']
        return masks

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}()'


def code_polygons(codes: Sequence[dict]) -> List[List[np.ndarray]]:
    """Outlines of run-length codes as COCO's polygons.

    COCO knows no holes: a ring goes into a hole and back along the same line,
    which filling by COCO's rules leaves as it was. (Where an image is cropped
    afterwards, MMDetection fills holes.)

    Args:
        codes (Sequence[dict]): N run-length codes.

    Returns:
        list[list[ndarray]]: N lists of parts x0, y0, x1, y1, ..., float64,
        in image pixels along the pixels' edges; filling them gives the
        masks' very pixels.
    """
    crops = rle_crops(codes)
    cells = pixel_outlines([crop for crop, _ in crops],
                           np.array([corner for _, corner in crops]).reshape(
                               -1, 2))
    return [[_one_ring(rings).astype(np.float64).reshape(-1)
             for rings in parts] for parts in cells]


def _one_ring(rings: Sequence[np.ndarray]) -> np.ndarray:
    """An outer ring and its holes as one ring that crosses over and back."""
    outer, *holes = rings
    start = outer[:1]
    return np.concatenate(
        [outer, *(part for hole in holes
                  for part in (start, hole, hole[:1])), start]
        if holes else [outer])
