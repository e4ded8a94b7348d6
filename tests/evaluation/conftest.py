"""The protocol spelt out with pycocotools, and small scenes to score."""
import pytest
from pycocotools import mask as mask_utils

from pace_mmdet import testing


@pytest.fixture
def pycocotools_scores():
    """Function (gt, results, iou_type) -> scores, the tests' truth."""
    return testing.pycocotools_scores


def _rectangle(x, y, w, h):
    return [x, y, x, y + h, x + w, y + h, x + w, y]


def _cell(image_id, box, ann_id, size, **changes):
    """A rectangular cell; integer corners, so that its area is w * h."""
    polygon = _rectangle(*box)
    rle = mask_utils.frPyObjects([polygon], *size)[0]
    return dict(
        dict(
            id=ann_id,
            image_id=image_id,
            category_id=1,
            bbox=list(box),
            area=float(mask_utils.area(rle)),
            iscrowd=0,
            segmentation=[polygon]), **changes)


def _found(image_id, box, score, size, **changes):
    """A detection of a rectangle."""
    rle = mask_utils.frPyObjects([_rectangle(*box)], *size)[0]
    rle['counts'] = rle['counts'].decode('ascii')
    return dict(
        dict(
            image_id=image_id,
            category_id=1,
            bbox=[float(value) for value in box],
            score=score,
            segmentation=rle), **changes)


class Scene:
    """Collects rectangular cells and detections on equal images."""

    def __init__(self, num_images=1, size=(100, 120), names=None):
        names = names or [f'A172_Phase_{i}.tif' for i in range(num_images)]
        self.size = size
        self.results = []
        self.gt = dict(
            images=[
                dict(id=i + 1, file_name=name, height=size[0], width=size[1])
                for i, name in enumerate(names)
            ],
            annotations=[],
            categories=[dict(id=1, name='cell')])

    def cell(self, image_id, box, **changes):
        annotations = self.gt['annotations']
        annotations.append(
            _cell(image_id, box, len(annotations) + 1, self.size, **changes))
        return self

    def found(self, image_id, box, score=0.9, **changes):
        self.results.append(
            _found(image_id, box, score, self.size, **changes))
        return self


@pytest.fixture
def scene():
    """The Scene class."""
    return Scene
