"""Masks at which pycocotools aborts or takes all memory: faults, by name."""
import json

import pytest

from pace_mmdet.coco.census import take_census
from pace_mmdet.coco.converting import masks_to_points
from pace_mmdet.errors import AnnotationError
from pace_mmdet.evaluation.scoring import score_files

SIZE = [40, 60]
TRIANGLE = [[1, 1, 5, 1, 5, 5]]


def write(path, content):
    path.write_text(json.dumps(content))
    return path


def coco(segmentation):
    return dict(
        images=[dict(id=1, file_name='a.png', height=40, width=60)],
        categories=[dict(id=1, name='cell')],
        annotations=[dict(id=1, image_id=1, category_id=1, bbox=[1, 1, 5, 5],
                          area=25, iscrowd=0, segmentation=segmentation)])


@pytest.mark.parametrize('segmentation', [
    # Cut off within a number: read past the end, and written, by C.
    *[dict(size=SIZE, counts=counts)
      for counts in ('o', 'ooooooooooooooooooo', '0', 'P' * 13, 'X`1o' * 40)],
    # Runs that are no runs of this image.
    *[dict(size=SIZE, counts=counts)
      for counts in ([10**12], [0, 10**12], [10**30], [-5, 2405],
                     [0.5, 2399.5], [2**32, 2400])],
    dict(size=[10**9, 10**9], counts=[10**18]),
    [[1e300, 1, 5, 1, 5, 5]], [[1e18] * 6],
])
def test_they_are_left_out_or_refused(tmp_path, segmentation):
    path = write(tmp_path / 'masks.json', coco(segmentation))
    with pytest.raises(AnnotationError, match='none of its 1 annotations'):
        masks_to_points(path, tmp_path / 'out.json')
    take_census(path)
    found = [dict(image_id=1, category_id=1, bbox=[1, 1, 5, 5], score=0.5,
                  segmentation=segmentation)]
    for truth, results in ((coco(segmentation), []), (coco(TRIANGLE), found)):
        with pytest.raises(AnnotationError, match='run-length code|polygon'):
            score_files(write(tmp_path / 'gt.json', truth),
                        write(tmp_path / 'found.json', results), ['segm'])
