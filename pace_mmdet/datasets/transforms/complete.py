"""Training takes only what is fully annotated of an image."""
from typing import Tuple

import numpy as np
from mmdet.datasets.transforms import RandomCrop


class CompleteOnly:
    """For transforms that load annotations: cut out what is complete.

    The data sets here give regions (whole pixels x1, y1, x2, y2) in
    ``complete`` for images that are annotated in part, and mark cells that
    reach out of them as ignored.
    """

    @staticmethod
    def cut_out(results: dict) -> dict:
        """Crop an image with its annotations to one of its regions.

        A region is drawn at random, each pixel of one as likely as any.

        Args:
            results (dict): Of a pipeline, with the annotations loaded.

        Returns:
            dict: The same, cropped; as it is if all of the image is complete.
        """
        regions = results.get('complete')
        if regions is None:
            return results
        sizes = regions[:, 2:] - regions[:, :2]
        row = 0
        if len(regions) > 1:
            row = np.random.choice(len(regions),
                                   p=sizes.prod(1) / sizes.prod(1).sum())
        return _Cut(regions[row]).transform(results)


class _Cut(RandomCrop):
    """A crop at a place that is given."""

    def __init__(self, region: np.ndarray) -> None:
        x1, y1, x2, y2 = map(int, region)
        super().__init__((x2 - x1, y2 - y1), allow_negative_crop=True)
        self._place = y1, x1

    def _rand_offset(self, margin: Tuple[int, int]) -> Tuple[int, int]:
        return self._place
