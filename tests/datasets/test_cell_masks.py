import json

import pytest
from mmdet.datasets import CocoDataset

from pace_mmdet.datasets import CellMaskDataset
from pace_mmdet.errors import AnnotationError, ImageFileError
from pace_mmdet.masks.segmentations import NOT_FILLING


def build(path, kind=CellMaskDataset, **options):
    return kind(
        ann_file=str(path),
        data_prefix=dict(img=str(path.parent / 'images')),
        **options)


def spoil(coco):
    """One annotation for each reason to leave one out, two for one."""
    anns = coco['annotations']
    coco['categories'].append(dict(id=2, name='debris'))
    anns[0]['bbox'][2] = 0.5
    anns[1]['bbox'][0] = 500
    anns[2]['area'] = 0
    anns[3]['category_id'] = 2
    anns[4]['segmentation'] = []
    anns[5]['segmentation'] = [[1, 1, 2, 2]]
    anns[6]['ignore'] = 1


def test_same_as_coco_dataset_but_for_the_ids(mask_file):
    ours, stock = build(mask_file), build(
        mask_file, CocoDataset, metainfo=CellMaskDataset.METAINFO)
    assert len(ours) == len(stock) == 3
    for index in range(3):
        info, expected = ours[index], stock[index]
        ids = [i.pop('ann_id') for i in info['instances']]
        assert ids == list(range(12 * index + 1, 12 * index + 13))
        assert {i.pop('iscrowd') for i in info['instances']} == {0}
        assert info == expected


def test_what_is_left_out_is_counted_and_logged(mask_file, edit, log):
    edit(mask_file, spoil)
    dataset = build(mask_file)
    assert [len(dataset[i]['instances']) for i in range(3)] == [5, 12, 12]
    assert dataset[0]['instances'][0]['ann_id'] == 8
    assert dict(dataset.dropped) == {
        'box narrower or lower than 1 pixel': 1,
        'box outside the image': 1,
        'area not above 0': 1,
        'of another category': 1,
        'no mask': 2,
        'marked "ignore"': 1
    }
    assert len(log) == 1
    assert '29 annotations kept, 7 left out: 2 no mask' in log[0]


def test_codes_that_would_corrupt_the_memory_are_left_out(mask_file, edit):

    def cut_off(coco):
        for ann, counts in zip(coco['annotations'], ('o', 'l04P', 'P' * 9999)):
            ann['segmentation'] = dict(size=[96, 128], counts=counts)

    dataset = build(edit(mask_file, cut_off))
    assert dict(dataset.dropped) == {NOT_FILLING: 3}


def test_silent_when_nothing_is_left_out(mask_file, log):
    assert not build(mask_file).dropped
    assert log == []


def test_annotations_without_area(mask_file, edit):

    def no_area(coco):
        for ann in coco['annotations']:
            del ann['area']

    dataset = build(edit(mask_file, no_area))
    assert len(dataset[0]['instances']) == 12


def test_annotations_as_an_object(mask_file, edit):

    def as_object(coco):
        coco['annotations'] = {str(a['id']): a for a in coco['annotations']}

    assert len(build(edit(mask_file, as_object))[2]['instances']) == 12


def test_annotations_of_unknown_images_are_logged(mask_file, edit, log):

    def orphan(coco):
        coco['annotations'][0]['image_id'] = 99

    edit(mask_file, orphan)
    dataset = build(mask_file)
    assert len(dataset[0]['instances']) == 11
    assert len(log) == 1
    assert log[0].startswith('1 annotations belong to none of the')


def test_labels_follow_the_order_of_the_classes(mask_file, edit):

    def two(coco):
        coco['categories'].append(dict(id=2, name='debris'))
        coco['annotations'][0]['category_id'] = 2

    edit(mask_file, two)
    dataset = build(mask_file, metainfo=dict(classes=('debris', 'cell')))
    assert dataset.get_cat_ids(0) == [0] + [1] * 11
    with pytest.raises(AnnotationError, match=r"\['dirt'\] are not among"):
        build(mask_file, metainfo=dict(classes=('dirt', )))


def test_broken_files(mask_file, point_file):
    with pytest.raises(AnnotationError, match='none of its annotations has a '
                       'mask(.|\n)*CellPointDataset'):
        build(point_file)
    mask_file.write_text(mask_file.read_text()[:300])
    with pytest.raises(AnnotationError, match='not a complete JSON file'):
        build(mask_file)
    mask_file.unlink()
    with pytest.raises(AnnotationError, match='no such annotation file'):
        build(mask_file)


@pytest.mark.parametrize('table, values, said', [
    ('images', dict(id=1), 'image 1: this id occurs more than once'),
    ('images', dict(height=None), 'image 2: "height": expected `int`'),
    ('images', dict(height='tall'), 'image 2: "height": expected `int`'),
    ('images', dict(width=0), 'at least 1 pixel, got 96 and 0'),
    ('images', dict(file_name=3), 'image 2: "file_name": expected `str`'),
    ('images', dict(file_name=None), 'image 2: "file_name": expected `str`'),
    ('categories', dict(name=None), 'category 1: "name": expected `str`'),
    ('annotations', dict(area='big'), 'annotation 2: "area": expected'),
    ('annotations', dict(iscrowd='no'), 'annotation 2: "iscrowd": expected'),
])
def test_faults_are_told_together(mask_file, edit, table, values, said):

    def change(coco):
        coco[table][-1 if table == 'categories' else 1].update(values)
        coco['images'][2]['complete'] = 3

    with pytest.raises(AnnotationError) as caught:
        build(edit(mask_file, change))
    text = str(caught.value)
    assert f'{mask_file}: 2 faults' in text and said in text


def test_missing_image(mask_file):
    name = json.loads(mask_file.read_text())['images'][1]['file_name']
    (mask_file.parent / 'images' / name).unlink()
    with pytest.raises(ImageFileError, match=f'1 fault\n  - {name}'):
        build(mask_file)


def test_no_image_left(mask_file):
    with pytest.raises(AnnotationError, match='the file lists 3, and filter_'
                       "cfg={'min_size': 97} leaves none"):
        build(mask_file, filter_cfg=dict(min_size=97))


def test_unknown_option(mask_file):
    with pytest.raises(TypeError, match='num_points'):
        build(mask_file, num_points=3)
