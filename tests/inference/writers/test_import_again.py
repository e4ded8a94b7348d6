"""What is written for a stack comes back for each of its planes."""
import json

import numpy as np
import pytest
import tifffile
from pycocotools import mask as mask_utils

from pace_mmdet.coco.foreign import import_annotations
from pace_mmdet.coco.slices import OTHER_SLICE
from pace_mmdet.images.intensities import to_uint8
from pace_mmdet.images.stacks import ImageStack
from pace_mmdet.inference.writers import FileCells, geojson, imagej_rois

from ..conftest import cells_of


@pytest.mark.parametrize('axes, shape, channel', [
    ('TZYX', (2, 3, 60, 80), None),
    ('ZYX', (3, 60, 80), None),
    ('ZCYX', (3, 2, 60, 80), 1),
    ('ZCYX', (2, 2, 60, 80), None),
    (None, (3, 60, 80), None),
])
@pytest.mark.parametrize('write, ending', [
    (imagej_rois.write_rois, '_rois.zip'),
    (geojson.write_geojson, '.geojson'),
])
def test_each_plane_has_its_own_cells(tmp_path, axes, shape, channel, write,
                                      ending):
    images, annotations = tmp_path / 'images', tmp_path / 'annotations'
    images.mkdir()
    annotations.mkdir()
    path = images / 'a.tif'
    tifffile.imwrite(path, np.zeros(shape, np.uint8), imagej=bool(axes),
                     photometric='minisblack',
                     metadata=dict(axes=axes) if axes else None)
    with ImageStack(path, channel) as stack:
        masks = np.zeros((len(stack), 60, 80), bool)
        for page, mask in enumerate(masks):
            mask[5:25, 4 + 9 * page:10 + 9 * page] = True
        write(FileCells.of_stack(
            stack, [cells_of(mask[None], shape=(60, 80)) for mask in masks],
            read=stack.read, intensities=to_uint8),
            annotations / f'a{ending}')
    # A cell is one in all channels.
    several = 'C' in (axes or '') and channel is None
    for page, mask in enumerate(masks):
        report = import_annotations(images, annotations, tmp_path / 'o.json',
                                    page=page, channel=channel)
        found = [mask_utils.decode(cell['segmentation']).astype(bool)
                 for cell in json.loads(
                     (tmp_path / 'o.json').read_text())['annotations']]
        assert any(np.array_equal(mask, one) for one in found)
        if not several:
            assert len(found) == 1
            assert report.left_out == {OTHER_SLICE: len(masks) - 1}
