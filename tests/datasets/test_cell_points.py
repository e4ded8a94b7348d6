import json
import pickle
import shutil

import numpy as np
import pytest
from mmdet.registry import DATASETS

from pace_mmdet.datasets import CellPointDataset, LIVECellPointDataset
from pace_mmdet.errors import AnnotationError, ImageFileError


def build(path, num_points=4, kind=CellPointDataset, **options):
    return kind(
        ann_file=str(path),
        data_prefix=dict(img=str(path.parent / 'images')),
        num_points=num_points,
        **options)


def test_instances_are_the_files_annotations(point_file):
    dataset = build(point_file)
    coco = json.loads(point_file.read_text())
    assert len(dataset) == 3
    assert dataset.metainfo['classes'] == ('cell', )
    for index, image in enumerate(coco['images']):
        info = dataset.get_data_info(index)
        own = [a for a in coco['annotations'] if a['image_id'] == image['id']]
        assert (info['img_id'], info['height'],
                info['width']) == (image['id'], 96, 128)
        assert info['img_path'].endswith(image['file_name'])
        assert [i['ann_id'] for i in info['instances']] == [
            a['id'] for a in own
        ]
        for instance, ann in zip(info['instances'], own):
            x, y, width, height = ann['bbox']
            assert np.allclose(instance['bbox'],
                               [x, y, x + width, y + height])
            assert instance['bbox_label'] == instance['ignore_flag'] == 0
            assert instance['point_coords'].tolist() == ann[
                'point_coords'][:4]
            assert instance['point_labels'].tolist() == ann[
                'point_labels'][:4]
        assert dataset.get_cat_ids(index) == [0] * 12


def test_built_from_a_config(point_file):
    config = dict(
        type='CellPointDataset',
        data_root=str(point_file.parent),
        ann_file=point_file.name,
        data_prefix=dict(img='images/'),
        num_points=2)
    assert len(DATASETS.build(config)) == 3
    with pytest.raises(TypeError, match='num_point_labels'):
        DATASETS.build(dict(config, num_point_labels=3))


@pytest.mark.parametrize(('options', 'length'), [
    (dict(indices=2), 2),
    (dict(indices=[2, 0]), 2),
    (dict(serialize_data=False), 3),
    (dict(filter_cfg=dict(filter_empty_gt=True)), 2),
    (dict(filter_cfg=dict(filter_empty_gt=False)), 3),
    (dict(filter_cfg=dict(min_size=96)), 3),
    (dict(filter_cfg=dict(min_size=97), test_mode=True), 3),
])
def test_base_options(point_file, edit, options, length):

    def empty_second_image(coco):
        coco['annotations'] = [
            a for a in coco['annotations'] if a['image_id'] != 2
        ]

    dataset = build(edit(point_file, empty_second_image), **options)
    assert len(dataset) == length
    if length == 3:
        info = dataset.get_data_info(1)
        assert info['instances'] == []
        assert info['num_points'] == 4
        assert dataset.get_cat_ids(1) == []
    pickle.loads(pickle.dumps(dataset))


def test_filtered_images_are_counted(point_file, edit, log):
    edit(point_file, lambda coco: coco['images'][0].update(height=50))

    def fits(ann):
        return ann['image_id'] != 1

    edit(point_file, lambda coco: coco.update(
        annotations=list(filter(fits, coco['annotations']))))
    dataset = build(point_file, filter_cfg=dict(min_size=60))
    assert len(dataset) == 2
    assert len(log) == 1
    assert "1 of 3 images left out by filter_cfg={'min_size': 60}" in log[0]


def test_images_without_any_annotation(point_file, edit):
    path = edit(point_file, lambda coco: coco.update(annotations=[]))
    dataset = build(path)
    assert [dataset[i]['instances'] for i in range(3)] == [[], [], []]


def test_several_categories(point_file, edit, log):

    def three_categories(coco):
        coco['categories'] = [
            dict(id=4, name='dead'),
            dict(id=9, name='alive'),
            dict(id=2, name='debris')
        ]
        for number, ann in enumerate(coco['annotations']):
            ann['category_id'] = (4, 9, 2)[number % 3]

    edit(point_file, three_categories)
    # Labels follow the order of the classes, not that of the file.
    dataset = build(point_file, metainfo=dict(classes=('alive', 'dead')))
    assert dataset.get_cat_ids(0) == [1, 0] * 4
    assert len(log) == 1
    assert '12 of 36 annotations are of categories other' in log[0]
    with pytest.raises(AnnotationError, match=r"classes \['cell'\] are not "
                       r"among the annotation file's categories \['dead'"):
        build(point_file)


def test_crowds_are_ignored(point_file, edit):

    def one_crowd(coco):
        coco['annotations'][1]['iscrowd'] = 1

    info = build(edit(point_file, one_crowd)).get_data_info(0)
    assert [i['ignore_flag'] for i in info['instances']] == [0, 1] + [0] * 10


def test_works_without_any_mask(point_file, mask_file):
    mask_file.unlink()
    assert 'segmentation' not in point_file.read_text()
    assert len(build(point_file)) == 3


def test_folder_per_cell_type(point_file):
    images = point_file.parent / 'images'
    shutil.move(images, point_file.parent / 'A172')
    images.mkdir()
    shutil.move(point_file.parent / 'A172', images / 'A172')
    path = build(point_file,
                 kind=LIVECellPointDataset).get_data_info(0)['img_path']
    assert path == str(images / 'A172' / 'A172_Phase_A7_1_00.tif')
    with pytest.raises(ImageFileError, match='3 faults'):
        build(point_file)


def test_missing_images_are_listed(point_file):
    for path in sorted((point_file.parent / 'images').iterdir())[1:]:
        path.unlink()
    with pytest.raises(ImageFileError, match='2 faults(.|\n)*_7_1_01.tif'.
                       replace('_7', '_A7')):
        build(point_file)


@pytest.mark.parametrize(('options', 'error', 'message'), [
    (dict(num_points=0), ValueError, 'num_points must be a whole number'),
    (dict(num_points=11), AnnotationError, 'expected at least num_points=11'),
    (dict(filter_cfg=dict(min_sizes=3)), ValueError, "['min_sizes']"),
    (dict(filter_cfg=dict(min_size=97)), AnnotationError, 'leaves none of'),
    (dict(unknown=3), TypeError, 'unknown'),
    (dict(ann_file='none.json'), AnnotationError, 'no such annotation file'),
])
def test_wrong_options(point_file, options, error, message):
    defaults = dict(
        ann_file=point_file.name,
        data_root=str(point_file.parent),
        data_prefix=dict(img='images'),
        num_points=4)
    with pytest.raises(error) as caught:
        CellPointDataset(**{**defaults, **options})
    assert message in str(caught.value)


def test_num_points_is_required(point_file):
    with pytest.raises(TypeError, match='num_points'):
        CellPointDataset(ann_file=str(point_file))


def test_mask_file_is_refused(mask_file):
    with pytest.raises(AnnotationError, match='pace data points'):
        build(mask_file)
