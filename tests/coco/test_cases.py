"""What is right for annotation files of other tools, in every command that
reads them: see ``tests/cases.py``."""
import json

import numpy as np
import pytest

from pace_mmdet.annotate.project import Project
from pace_mmdet.coco.census import take_census
from pace_mmdet.coco.converting import masks_to_points
from pace_mmdet.coco.label_images import labels_to_coco
from pace_mmdet.coco.points import read_point_coco
from pace_mmdet.datasets import (CellMaskDataset, CellPointDataset,
                                 cell_masks)
from pace_mmdet.errors import AnnotationError, ImageFileError
from pace_mmdet.evaluation.ground_truth import load_ground_truth

CASES = ('64_coco_roboflow', '67_coco_backslash', '68_coco_folder_prefix',
         '69_coco_string_ids', '71_coco_no_area_iscrowd', '72_coco_bom',
         '73_coco_float_size', '92_coco_float_ids', '85_coco_xyxy_bbox')


def train_set(folder, kind=CellMaskDataset, ann_file=None, **options):
    return kind(
        ann_file=str(ann_file or folder / 'annotations/train.json'),
        data_prefix=dict(img=str(folder / 'images')), pipeline=[], **options)


def count(folder):
    text = (folder / 'annotations/train.json').read_text('utf-8-sig')
    return len(json.loads(text)['annotations'])


@pytest.mark.parametrize('name', CASES)
def test_one_rule_in_all_commands(case, tmp_path, name):
    folder = case(name)
    source = folder / 'annotations/train.json'
    total = count(folder)
    # Points, and training on them.
    report = masks_to_points(source, tmp_path / 'points.json', 4)
    assert (report.kept, dict(report.dropped)) == (total, {})
    assert len(read_point_coco(tmp_path / 'points.json', 4).ann_ids) == total
    points = train_set(folder, CellPointDataset, tmp_path / 'points.json',
                       num_points=4)
    # Training on masks, which finds the images too.
    masks = train_set(folder)
    for data in (points, masks):
        assert sum(len(data.get_data_info(k)['instances'])
                   for k in range(len(data))) == total
    # Scores.
    truth = load_ground_truth(source)
    assert sum(len(image.bboxes) for image in truth.images.values()) == total
    assert all((image.areas > 50).all() for image in truth.images.values())
    # The census of check.
    found = take_census(source)
    assert not found.unusable and not found.faults
    assert int(found.cells.sum()) == total
    # The page.
    with Project(folder / 'images', tmp_path / 'project.db') as project:
        lines = project.import_boxes(source)
    assert f'{total} boxes imported' in lines[0]


def test_71_areas_are_the_masks(case):
    truth = load_ground_truth(
        case('71_coco_no_area_iscrowd') / 'annotations/train.json')
    for image in truth.images.values():
        boxes = image.bboxes[:, 2] * image.bboxes[:, 3]
        assert (image.areas < 0.9 * boxes).all()


def test_85_boxes_that_do_not_fit_are_counted(case, tmp_path, monkeypatch):
    folder = case('85_coco_xyxy_bbox')
    report = masks_to_points(folder / 'annotations/train.json',
                             tmp_path / 'points.json', 4)
    assert report.fit.wrong > 0 and report.fit.corners > 0
    assert f'{report.fit.wrong} of {report.fit.seen} boxes do not fit' in \
        report.lines()[-1]
    said = []
    monkeypatch.setattr(cell_masks, 'print_log',
                        lambda text, **options: said.append(text))
    train_set(folder)
    assert 'do not fit their masks' in said[0]


@pytest.mark.parametrize(('name', 'reason', 'advice'), [
    ('61_coco_crowd_rle_cvat', 'marked "iscrowd"', 'set iscrowd to 0'),
    ('70_coco_no_bbox_area', 'bbox is not 4', 'x, y, width and height'),
    ('77_coco_nested_points', 'polygon that is not', 'one flat list'),
    ('90_coco_normalised_bbox', 'box narrower', 'COCO has pixels'),
    ('91_coco_image_id_name', 'image_id', ''),
])
def test_no_annotation_left(case, tmp_path, name, reason, advice):
    folder = case(name)
    source, target = folder / 'annotations/train.json', tmp_path / 'p.json'
    for read in (lambda: masks_to_points(source, target, 4),
                 lambda: train_set(folder)):
        with pytest.raises(AnnotationError) as error:
            read()
        assert str(source) in str(error.value)
        assert reason in str(error.value) and advice in str(error.value)
    assert not target.exists() and not list(tmp_path.glob('.*p.json*'))


def test_61_crowds_are_neither_scored_nor_imported(case, tmp_path):
    folder = case('61_coco_crowd_rle_cvat')
    source = folder / 'annotations/train.json'
    with pytest.raises(AnnotationError, match='Nothing can be scored'):
        load_ground_truth(source)
    with Project(folder / 'images', tmp_path / 'project.db') as project:
        with pytest.raises(AnnotationError, match='Nothing was imported'):
            project.import_boxes(source)


def test_49_what_a_prediction_writes_pairs(case, tmp_path):
    folder = case('49_lab_ome_name')
    report = labels_to_coco(folder / 'images', folder / 'labels',
                            tmp_path / 'out.json')
    assert (report.images, report.cells) == (1, 3)


@pytest.mark.parametrize(('name', 'options', 'cells'), [
    ('32_lab_palette_png', {}, 3),
    ('45_lab_cellpose_npy', {}, 3),
    ('31_lab_binary255', dict(masks='parts'), 3),
    ('31_lab_binary255', dict(masks='one'), 1),
    ('38_lab_3d_stack', dict(page=0), 3),
    ('50_img_2ch', dict(channel=1), 3),
])
def test_label_images(case, tmp_path, name, options, cells):
    folder = case(name)
    report = labels_to_coco(folder / 'images', folder / 'labels',
                            tmp_path / 'out.json', **options)
    assert (report.images, report.cells) == (1, cells)


@pytest.mark.parametrize(('name', 'said'), [
    ('31_lab_binary255', '--masks parts'),
    ('38_lab_3d_stack', '--page 0 ... 2'),
    ('50_img_2ch', '--channel 0 ... 1'),
])
def test_label_images_that_are_refused(case, tmp_path, name, said):
    folder = case(name)
    with pytest.raises(ImageFileError, match=said):
        labels_to_coco(folder / 'images', folder / 'labels',
                       tmp_path / 'out.json')
    assert not (tmp_path / 'out.json').exists()


def test_ids_used_twice_are_said_by_the_command_that_writes(
        mask_file, edit, tmp_path):
    edit(mask_file, lambda coco: coco['annotations'][3].update(id=1))
    with pytest.raises(AnnotationError, match='annotation 1: this id occurs '
                       '2 times'):
        masks_to_points(mask_file, tmp_path / 'points.json')
    assert not (tmp_path / 'points.json').exists()
    with pytest.raises(AnnotationError, match='1 annotations have an id'):
        CellMaskDataset(ann_file=str(mask_file), pipeline=[])


def test_no_cell_in_label_images(tmp_path):
    import tifffile
    for name in ('images', 'labels'):
        (tmp_path / name).mkdir()
        tifffile.imwrite(tmp_path / name / 'a.tif', np.zeros((5, 6), np.uint8))
    with pytest.raises(AnnotationError, match='no cell in 1 label images'):
        labels_to_coco(tmp_path / 'images', tmp_path / 'labels',
                       tmp_path / 'o.json')
    assert not (tmp_path / 'o.json').exists()
