import json

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from pace_mmdet.coco.converting import masks_to_points
from pace_mmdet.coco.files import BLOCK_SIZE
from pace_mmdet.coco.points import read_point_coco
from pace_mmdet.errors import AnnotationError
from pace_mmdet.testing import write_synthetic_coco


@pytest.mark.parametrize('rle', [False, True])
def test_points_are_labelled_by_the_masks(tmp_path, rle):
    masks = write_synthetic_coco(tmp_path, 2, 150, 200, 300, rle=rle)
    target = tmp_path / 'points.json'
    report = masks_to_points(masks, target, 5, seed=3)
    assert (report.images, report.kept, dict(report.dropped)) == (2, 300, {})
    before = json.loads(masks.read_text())
    after = json.loads(target.read_text())
    assert after['images'] == before['images']
    assert after['categories'] == before['categories']
    assert after['info'] == dict(
        description='boxes and labelled points made from masks',
        seed=3,
        num_points=5,
        flip_prob=0.0,
        source='annotations.json',
        source_version=None,
        left_out={})
    num_yes = 0
    for old, new in zip(before['annotations'], after['annotations']):
        assert set(new) == {
            'id', 'image_id', 'category_id', 'bbox', 'area', 'iscrowd',
            'point_coords', 'point_labels'
        }
        assert (new['id'], new['bbox']) == (old['id'], old['bbox'])
        assert new['area'] == old['bbox'][2] * old['bbox'][3]
        code = old['segmentation'] if rle else mask_utils.frPyObjects(
            old['segmentation'], 200, 300)[0]
        mask = mask_utils.decode(code)
        x, y = np.array(new['point_coords']).T
        assert new['point_labels'] == mask[y, x].tolist()
        num_yes += sum(new['point_labels'])
    assert 0.5 < num_yes / 1500 < 0.95


def test_same_points_in_any_order_and_number(mask_file, edit, tmp_path):
    masks_to_points(mask_file, tmp_path / 'a.json', 10)
    edit(mask_file, lambda coco: coco['annotations'].reverse())
    masks_to_points(mask_file, tmp_path / 'b.json', 3)
    many = read_point_coco(tmp_path / 'a.json', 3)
    few = read_point_coco(tmp_path / 'b.json', 3)
    assert few.ann_ids.tolist() == many.ann_ids[::-1].tolist()
    assert np.array_equal(few.coords, many.coords[::-1])
    assert np.array_equal(few.labels, many.labels[::-1])


def test_seed_and_mistakes(mask_file, tmp_path):
    files = {}
    for name, options in dict(
            plain={}, seeded=dict(seed=1), flipped=dict(flip_prob=1.0),
            some=dict(flip_prob=0.2)).items():
        masks_to_points(mask_file, tmp_path / name, **options)
        files[name] = read_point_coco(tmp_path / name, 10)
    plain = files['plain']
    assert not np.array_equal(files['seeded'].coords, plain.coords)
    assert np.array_equal(files['flipped'].coords, plain.coords)
    assert np.array_equal(files['flipped'].labels, 1 - plain.labels)
    assert 0.1 < (files['some'].labels != plain.labels).mean() < 0.3


def test_degenerate_annotations_are_left_out_and_listed(
        mask_file, edit, tmp_path):

    def spoil(coco):
        anns = coco['annotations']
        anns[0]['bbox'][2] = 0
        anns[1]['bbox'][3] = 0
        anns[2]['segmentation'] = []
        anns[3]['image_id'] = 99
        anns[4]['category_id'] = 99
        del anns[5]['bbox']
        coco['info'] = dict(version='1.2')

    target = tmp_path / 'points.json'
    report = masks_to_points(edit(mask_file, spoil), target)
    assert report.kept == 30
    assert dict(report.dropped) == {
        'box narrower or lower than 1 pixel': [1, 2],
        'no mask': [3],
        'image_id is none of the file\'s images': [4],
        'category_id is none of the file\'s categories': [5],
        'bbox is not 4 finite numbers': [6]
    }
    lines = report.lines()
    assert lines[0] == '3 images, 30 annotations written, 6 left out'
    assert lines[1] == ('  2 left out: box narrower or lower than 1 pixel '
                        '(annotations 1, 2)')
    info = json.loads(target.read_text())['info']
    assert info['source_version'] == '1.2'
    assert info['left_out']['no mask'] == 1
    # What is written is what the strict reader takes.
    assert len(read_point_coco(target, 10).ann_ids) == 30


def test_all_kinds_of_masks_in_one_file(tmp_path):
    """Polygons of one and two parts, codes of both kinds, and a crowd."""
    masks = write_synthetic_coco(tmp_path, 1, 10, 60, 80)
    coco = json.loads(masks.read_text())
    cells = coco['annotations']
    whole = [mask_utils.frPyObjects(cell['segmentation'], 60, 80)[0]
             for cell in cells]
    pixels = mask_utils.decode(whole[1]).T.reshape(-1)
    edges = np.flatnonzero(np.diff(pixels)) + 1
    counts = np.diff(np.r_[0, edges, pixels.size]).tolist()
    cells[0]['segmentation'] = dict(
        whole[0], counts=whole[0]['counts'].decode())
    cells[1]['segmentation'] = dict(size=[60, 80], counts=counts)
    cells[2]['segmentation'] += cells[3]['segmentation']
    whole[2] = mask_utils.merge(whole[2:4])
    # Both cells and what is between them.
    cells[2]['bbox'] = mask_utils.toBbox(whole[2]).tolist()
    cells[4]['iscrowd'] = 1
    masks.write_text(json.dumps(coco))
    report = masks_to_points(masks, tmp_path / 'points.json')
    assert (report.kept, dict(report.dropped)) == (10, {})
    after = json.loads((tmp_path / 'points.json').read_text())['annotations']
    for cell, code in zip(after, whole):
        x, y = np.array(cell['point_coords']).T
        assert cell['point_labels'] == mask_utils.decode(code)[y, x].tolist()
    assert [cell['iscrowd'] for cell in after] == [0] * 4 + [1] + [0] * 5
    assert 0 in after[2]['point_labels'] and 1 in after[2]['point_labels']


def test_a_full_disk_leaves_what_was_there(mask_file, tmp_path, monkeypatch):
    target = tmp_path / 'points.json'
    target.write_text('before')

    def full(_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('os.fsync', full)
    with pytest.raises(OSError, match="No space.*points.json'"):
        masks_to_points(mask_file, target)
    assert target.read_text() == 'before'
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        'data', 'points.json'
    ]


def test_long_lists_are_cut():
    from pace_mmdet.coco.converting import ConversionReport
    report = ConversionReport(dropped={'no mask': list(range(30))})
    assert report.lines()[1].endswith('18, 19 ... and 10 more)')


def test_no_cells(tmp_path):
    masks = write_synthetic_coco(tmp_path, 2, 0, 20, 30)
    report = masks_to_points(masks, tmp_path / 'points.json')
    assert report.kept == 0
    assert len(read_point_coco(tmp_path / 'points.json', 10).images) == 2


def test_annotations_of_an_image_may_be_far_apart(mask_file, tmp_path,
                                                  monkeypatch):
    assert BLOCK_SIZE > 36
    masks_to_points(mask_file, tmp_path / 'a.json')
    monkeypatch.setattr(
        'pace_mmdet.coco.files.CocoFile.blocks.__defaults__',
        (5, lambda text: None))
    masks_to_points(mask_file, tmp_path / 'b.json')
    assert (tmp_path / 'a.json').read_bytes() == (
        tmp_path / 'b.json').read_bytes()


@pytest.mark.parametrize(('options', 'message'), [
    (dict(max_points=0), 'num_points must be'),
    (dict(flip_prob=1.5), 'flip_prob must be'),
])
def test_wrong_options(mask_file, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        masks_to_points(mask_file, tmp_path / 'points.json', **options)
    assert not (tmp_path / 'points.json').exists()


def test_broken_source_changes_nothing(mask_file, edit, tmp_path):
    target = tmp_path / 'points.json'
    target.write_text('before')
    edit(mask_file, lambda coco: coco['annotations'][7].update(id=None))
    with pytest.raises(AnnotationError, match='annotation number 7: "id"'):
        masks_to_points(mask_file, target)
    mask_file.write_text(mask_file.read_text()[:-9])
    length = mask_file.stat().st_size
    with pytest.raises(AnnotationError, match=f'early, at byte {length}'):
        masks_to_points(mask_file, target)
    assert target.read_text() == 'before'
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        'data', 'points.json'
    ]
