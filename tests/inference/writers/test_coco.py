import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as mask_utils
from pycocotools.coco import COCO

from pace_mmdet.evaluation.detections import load_detections
from pace_mmdet.evaluation.ground_truth import load_ground_truth
from pace_mmdet.inference.writers import FileCells, coco

from ..conftest import bitmaps_of


@pytest.mark.parametrize('write', [coco.write_annotations,
                                   coco.write_polygons])
@pytest.mark.parametrize('counts', [(9, ), (4, 0, 6)])
def test_coco_reads_it(tmp_path, found_in, write, counts):
    found = found_in(*counts)
    write(found, tmp_path / 'c.json')
    data = COCO(str(tmp_path / 'c.json'))
    assert len(data.imgs) == len(counts) and len(data.anns) == sum(counts)
    for plane, cells in enumerate(found.planes):
        image = data.imgs[plane + 1]
        assert (image['file_name'], image['page']) == ('a b.tif', plane)
        anns = data.loadAnns(data.getAnnIds(imgIds=[plane + 1]))
        for ann, mask in zip(anns, bitmaps_of(cells)):
            assert np.array_equal(data.annToMask(ann), mask)
            assert ann['area'] == mask.sum()
        assert np.allclose([ann['score'] for ann in anns], cells.scores)


def test_polygons_where_there_are_no_holes(tmp_path, found_in):
    coco.write_polygons(found_in(30), tmp_path / 'c.json')
    masks = [ann['segmentation'] for ann in json.loads(
        (tmp_path / 'c.json').read_text())['annotations']]
    kinds = {type(mask) for mask in masks}
    assert kinds == {list, dict}


def test_results_can_be_loaded_and_scored(tmp_path, found_in):
    found = found_in(5, 3)
    coco.write_annotations(found, tmp_path / 'c.json')
    coco.write_results(found, tmp_path / 'r.json')
    data = COCO(str(tmp_path / 'c.json'))
    results = data.loadRes(str(tmp_path / 'r.json'))
    assert len(results.anns) == 8
    truth = load_ground_truth(tmp_path / 'c.json')
    first, second = load_detections(tmp_path / 'r.json', truth, ['segm'])
    assert [len(first.scores), len(second.scores)] == [5, 3]
    assert np.array_equal(
        mask_utils.decode(dict(size=[30, 40], counts=first.counts[0])),
        bitmaps_of(found.planes[0])[0])


def test_classes_are_categories(tmp_path, found_in):
    found = found_in(2, classes=('nucleus', 'debris'))
    found.planes[0].labels[:] = 0, 1
    coco.write_annotations(found, tmp_path / 'c.json')
    data = COCO(str(tmp_path / 'c.json'))
    names = [data.cats[ann['category_id']]['name']
             for ann in data.anns.values()]
    assert names == ['nucleus', 'debris']


def test_classes_without_a_name(tmp_path, found_in):
    planes = found_in(2).planes
    planes[0].labels[:] = 2, 0
    found = FileCells(Path('a.tif'), planes, None, None)
    assert found.classes == ('cell', 'class 1', 'class 2')
    coco.write_annotations(found, tmp_path / 'c.json')
    data = COCO(str(tmp_path / 'c.json'))
    assert {cat['name'] for cat in data.cats.values()} == set(found.classes)


def test_no_cells(tmp_path, found_in):
    coco.write_annotations(found_in(0), tmp_path / 'c.json')
    coco.write_results(found_in(0), tmp_path / 'r.json')
    assert not COCO(str(tmp_path / 'c.json')).anns
    assert json.loads((tmp_path / 'r.json').read_text()) == []
