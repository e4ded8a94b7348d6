"""What goes into a project from COCO files, and what comes out."""
import json

import numpy as np
import pytest

from pace_mmdet.annotate import Project, changes
from pace_mmdet.annotate.errors import ChangeRefused, NotFound
from pace_mmdet.coco.converting import masks_to_points
from pace_mmdet.datasets import CellPointDataset
from pace_mmdet.datasets.cell_masks import CellMaskDataset
from pace_mmdet.datasets.transforms import RandomPointLabel
from pace_mmdet.errors import AnnotationError
from pace_mmdet.testing import write_synthetic_coco

from .conftest import mark

IMAGES = [dict(id=5, file_name='a.tif', height=60, width=80)]


def cell(**changed):
    return {**dict(id=7, image_id=5, category_id=1, bbox=[10.5, 5, 20, 30.25]),
            **changed}


def write(path, *annotations, **changed):
    path.write_text(json.dumps({
        **dict(images=IMAGES, categories=[dict(id=1, name='cell')],
               annotations=annotations), **changed}))
    return path


def answer_all(project, labels, annotator='Anna'):
    """Answer every point; ``labels`` gives a box's labels."""
    futures = []
    for image in project.images:
        for box in project.contents(image)['boxes']:
            for point, label in enumerate(labels(box)):
                futures.append(project.change(changes.Answer(
                    f'{box["key"]}.{point}', box['key'], 1.0, box['revision'],
                    point, label), annotator))
    for future in futures:
        future.result()


@pytest.fixture
def masks(tmp_path):
    """Synthetic cells with masks, and a project of their boxes."""
    root = tmp_path / 'cells'
    path = write_synthetic_coco(root, 2, 15, 120, 160)
    # Ids and boxes as other tools write them.
    coco = json.loads(path.read_text())
    for number, ann in enumerate(coco['annotations']):
        ann['id'] = 1000003 * number - 7
        ann['bbox'] = [side + 0.1 / 3 for side in ann['bbox']]
    path.write_text(json.dumps(coco))
    return path


@pytest.fixture
def from_masks(masks, tmp_path):
    with Project(masks.parent / 'images', tmp_path / 'm.db', 4) as project:
        project.import_boxes(masks)
        yield project


def test_an_export_equals_random_point_label(masks, from_masks, tmp_path):
    """Boxes and answers from known masks give the points of training."""
    dataset = CellMaskDataset(
        ann_file=str(masks), data_prefix=dict(img=str(masks.parent
                                                      / 'images')),
        test_mode=True)
    truth = {}
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        info.update(ori_shape=(120, 160), img_shape=(120, 160),
                    gt_bboxes=[i['bbox'] for i in info['instances']])
        points = RandomPointLabel(4)(info)['gt_masks']
        for instance, coords, labels in zip(info['instances'], points.coords,
                                            points.labels):
            truth[instance['ann_id']] = coords, labels
    answer_all(from_masks, lambda box: truth[box['id']][1].tolist())
    mark(from_masks, 1), mark(from_masks, 2)
    from_masks.export().write(tmp_path / 'points.json')

    opened = CellPointDataset(
        ann_file=str(tmp_path / 'points.json'), num_points=4,
        data_prefix=dict(img=str(masks.parent / 'images')))
    found = {i['ann_id']: i for index in range(len(opened))
             for i in opened.get_data_info(index)['instances']}
    assert found.keys() == truth.keys() and len(truth) == 30
    for ann_id, (coords, labels) in truth.items():
        # On disk a point is a pixel, in training its centre.
        assert np.array_equal(found[ann_id]['point_coords'] + 0.5, coords)
        assert np.array_equal(found[ann_id]['point_labels'], labels)

    # And, number by number, the file that the converter makes.
    masks_to_points(masks, tmp_path / 'converted.json', 4)
    exported, converted = (
        {ann['id']: ann for ann in json.loads(
            (tmp_path / name).read_text())['annotations']}
        for name in ('points.json', 'converted.json'))
    for ann_id, ann in converted.items():
        for field in ('bbox', 'area', 'point_coords', 'point_labels'):
            assert exported[ann_id][field] == ann[field]
        assert 'segmentation' not in exported[ann_id]


def test_what_is_exported_can_be_imported_back(from_masks, tmp_path):
    answer_all(from_masks, lambda box: [1, 0, -1, box['id'] % 2], 'Åsa')
    mark(from_masks, 1, True, 'Åsa'), mark(from_masks, 2, [[3, 2, 70, 90.5]])
    exported = from_masks.export()
    exported.write(tmp_path / 'points.json')
    assert exported.info['answers'] == {'Åsa': 120}
    with Project(from_masks.folder, tmp_path / 'again.db') as again:
        lines = again.import_boxes(tmp_path / 'points.json')
        assert lines == [f'{tmp_path / "points.json"}: 30 boxes imported, '
                         '120 answers with them',
                         '  2 images complete, as the file says']
        back = again.export()
        for field in ('annotations', 'images'):
            assert getattr(back, field) == getattr(exported, field)
        assert back.info['complete_by'] == exported.info['complete_by'] == {
            again.image(1).name: 'Åsa', again.image(2).name: 'Anna'}
        # A second time, and into the project it is from: nothing happens.
        for project in (again, from_masks):
            lines = project.import_boxes(tmp_path / 'points.json')
            assert lines[1:] == ['  30 left as they are: in the project '
                                 'already']
            assert project.export().annotations == exported.annotations


def test_what_is_complete_is_exported(project):
    for key in 'ab':
        create(project, key, 1)
    create(project, 'c', 2)
    answer_all(project, lambda box: [1] * {'a': 4, 'b': 3, 'c': 0}[
        box['key']])
    nothing = project.export()
    assert nothing.images == nothing.annotations == []
    assert nothing.lines() == [
        '0 images, 0 boxes', '  not marked as complete (key D), so left out, '
        'or their cells without a box would be background: a.tif (1 of 2 '
        'boxes finished), b.tif (0 of 1 boxes finished)',
        '  left out: 2 images that are not marked as complete']
    mark(project)
    export = project.export()
    assert [image['file_name'] for image in export.images] == ['a.tif']
    assert 'complete' not in export.images[0]  # the default
    # A box whose points are open is a cell all the same.
    assert [ann['point_labels'] for ann in export.annotations] == [
        [1] * 4, [1, 1, 1, -1]]
    assert [ann['points_by'] for ann in export.annotations] == [
        ['Anna'] * 4, ['Anna'] * 3 + [None]]
    assert export.info['left_out'] == {
        'images that are not marked as complete': 1}
    assert export.lines()[:2] == [
        '1 images, 2 boxes',
        '  1 points of 1 boxes have no answer yet and are not used']
    every = project.export(take_all=True)
    assert [image.get('complete', True) for image in every.images] == [
        True, False]
    assert len(every.annotations) == 3 and every.info['left_out'] == {}
    assert ('1 are not marked as complete, and training leaves them out: '
            'b.tif') in every.lines()[2]


def test_no_cells_is_something_to_export(project):
    mark(project, 2)
    export = project.export()
    assert [image['file_name'] for image in export.images] == ['b.tif']
    assert export.annotations == []


def test_a_part_that_is_complete(project):
    create(project, 'a', 1)
    assert mark(project, 1, [[0, 0, 30, 40.5]]) == dict(
        id=1, complete=[[0, 0, 30, 40.5]], complete_by='Anna',
        complete_base=0)
    entry, = project.export().images
    assert entry['complete'] == [[0, 0, 30, 40.5]]
    mark(project, 1, False, 'Ben')
    assert project.export().images == []
    assert project.summary()['images'][0]['complete_by'] == 'Ben'


@pytest.mark.parametrize(('complete', 'base', 'message'), [
    (True, 5, 'somebody has said meanwhile'),
    ([], -1, '0 parts of the image, expected 1 to 100'),
    ([[0, 0, 0, 5]], -1, 'at least 1 pixel'),
    ([[90, 0, 5, 5]], -1, 'outside the image'),
])
def test_what_cannot_be_said(project, complete, base, message):
    with pytest.raises(ChangeRefused, match=message):
        project.change(changes.MarkImage('m', 1, 1, base, complete),
                       'Anna').result()
    assert project.summary()['images'][0]['complete'] is False


def test_saying_it_happens_once_and_takes_time(project):
    change = changes.MarkImage('once', 1, 2.5, -1, True)
    for _ in range(2):
        reply = project.change(change, 'Anna').result()
        assert reply['image']['complete_base'] == 0
    assert [effort.box_seconds for effort in project.efforts()] == [2.5]
    with pytest.raises(NotFound):
        project.change(changes.MarkImage('m', 9, 1, -1, True), 'A').result()


def test_boxes_that_come_in_are_not_looked_at(project, tmp_path):
    mark(project, 1)
    lines = project.import_boxes(write(tmp_path / 'c.json', cell()))
    assert lines[1:] == ['  1 images no longer complete, since boxes came in']
    assert project.contents(1)['complete'] is False


def create(project, key, image, box=(1.5, 2, 20, 20)):
    return project.change(changes.CreateBox(key, key, 2, image, box),
                          'Anna').result()['box']


def test_images_that_cannot_be_used_are_left_out_and_counted(
        folder, tmp_path):
    with Project(folder, tmp_path / 'project.db') as project:
        create(project, 'a', 1)
        answer_all(project, lambda box: [1, 1, 0, 0])
        mark(project)
    (folder / 'a.tif').unlink()
    with Project(folder, tmp_path / 'project.db') as again:
        export = again.export()
    assert export.annotations == [] and export.images == []
    assert export.info['left_out'] == {
        'images that cannot be used': 1,
        'boxes on images that cannot be used': 1,
        'images without a box that are not marked as complete': 1}


@pytest.mark.parametrize(('annotation', 'message'), [
    (cell(bbox=[10, 5, 0, 3]), 'at least 1 pixel wide and high'),
    (cell(bbox=[90, 5, 3, 3]), 'lies outside the image of 80 x 60'),
    (cell(bbox=[1, 5, 3]), '"bbox"'),
    (cell(image_id=1), "image_id 1 is none of the file's images"),
    (cell(id=3), 'this id occurs more than once'),
    (cell(point_coords=[[1, 1]], point_labels=[1]), 'not those that the proj'),
    (cell(point_coords=[[1, 1]], point_labels=[1, 0]), '1 point_coords and 2'),
    (cell(point_coords=[[1, 1]], point_labels=[3]), r'point_labels \[3.0\]'),
])
def test_faulty_boxes(project, tmp_path, annotation, message):
    path = write(tmp_path / 'c.json', cell(id=3), annotation)
    with pytest.raises(AnnotationError, match=message) as error:
        project.import_boxes(path)
    assert '1 fault\n' in str(error.value)
    assert 'Nothing was imported' in str(error.value)
    assert project.contents(1)['boxes'] == []


@pytest.mark.parametrize(('changed', 'message'), [
    (dict(images=[dict(IMAGES[0], width=81)]),
     '81 x 60 pixels in the file, 80 x 60 in the folder'),
    (dict(categories=[dict(id=1, name='cell'), dict(id=2, name='dirt')],
          annotations=[cell(), cell(id=9, category_id=2)]),
     'expected one category'),
    (dict(annotations=3), 'expected a list, got int'),
])
def test_faulty_files(project, tmp_path, changed, message):
    with pytest.raises(AnnotationError, match=message):
        project.import_boxes(write(tmp_path / 'c.json', cell(), **changed))


def test_what_is_no_box_to_import(project, tmp_path):
    images = IMAGES + [dict(IMAGES[0], id=6, file_name='elsewhere.tif')]
    lines = project.import_boxes(write(
        tmp_path / 'c.json', cell(), cell(id=8, iscrowd=1),
        cell(id=9, image_id=6), images=images))
    assert lines[0].endswith('1 boxes imported, 0 answers with them')
    assert lines[1:] == [
        '  1 left out: marked "iscrowd", not one cell',
        '  1 left out: their images are not in the folder']


def test_imported_boxes_keep_ids_and_corrections(project, tmp_path):
    path = write(tmp_path / 'c.json', cell(), cell(id=2**60))
    project.import_boxes(path)
    box = project.contents(1)['boxes'][0]
    assert (box['id'], box['box'], box['imported']) == (
        7, [10.5, 5, 20, 30.25], True)
    project.change(changes.EditBox('e', box['key'], 1, 0, [11, 5, 20, 30]),
                   'Anna').result()
    project.import_boxes(path)
    assert project.contents(1)['boxes'][0]['box'] == [11, 5, 20, 30]
    # New ones are numbered on, within what a browser counts exactly.
    assert create(project, 'new', 1)['id'] == 8


def test_ids_of_other_boxes(project, tmp_path):
    """Files of several images often count from 1 each."""
    create(project, 'a', 1)
    files = [write(tmp_path / f'{name}.json', cell(id=1), cell(
        id=3, bbox=[30, 5, 20, 20]), images=[dict(IMAGES[0], file_name=name)])
        for name in ('a.tif', 'b.tif')]
    lines = project.import_boxes(*files)
    assert [line.split(': ')[-1] for line in lines] == [
        '2 boxes imported, 0 answers with them',
        '  1 under new ids, since theirs are taken',
        '2 boxes imported, 0 answers with them',
        '  2 under new ids, since theirs are taken']
    assert [[box['id'] for box in project.contents(image)['boxes']]
            for image in (1, 2)] == [[1, 3, 4], [5, 6]]
    # Given again, they are recognised.
    assert [line[:3] for line in project.import_boxes(*files)[1::2]] == [
        '  2', '  2']
    assert len(project.contents(1)['boxes']) == 3


def test_answers_are_for_the_points_of_an_id(project, tmp_path):
    create(project, 'a', 1)
    points = project.contents(1)['boxes'][0]['points'][:1]
    path = write(tmp_path / 'c.json', cell(
        id=1, bbox=[1.5, 2, 20, 20.0001], point_coords=points,
        point_labels=[1]))
    with pytest.raises(AnnotationError, match='answers are for this id'):
        project.import_boxes(path)


def test_files_are_imported_together_or_not(project, tmp_path):
    good = write(tmp_path / 'good.json', cell())
    with pytest.raises(AnnotationError):
        project.import_boxes(good, tmp_path / 'missing.json')
    assert project.contents(1)['boxes'] == []


def test_names_below_the_folder(folder, tmp_path):
    (folder / 'below').mkdir()
    (folder / 'a.tif').rename(folder / 'below/a.tif')
    with Project(folder, tmp_path / 'p.db') as project:
        lines = project.import_boxes(write(tmp_path / 'c.json', cell()))
        assert '1 boxes imported' in lines[0]
        (folder / 'a.tif').write_bytes((folder / 'b.tif').read_bytes())
    with Project(folder, tmp_path / 'q.db') as project:
        # The exact name goes before.
        project.import_boxes(write(tmp_path / 'c.json', cell()))
        names = {image.id: image.name for image in project.images.values()}
        assert [names[i] for i in names if project.contents(i)['boxes']] == [
            'a.tif']
