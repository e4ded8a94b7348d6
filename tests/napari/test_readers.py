"""Point files and projects as layers, without napari itself."""
import json
import shutil
import warnings

import numpy as np
import pytest
import tifffile

from pace_mmdet.annotate import Project
from pace_mmdet.annotate.changes import Answer, CreateBox
from pace_mmdet.errors import AnnotationError, ImageFileError
from pace_mmdet.napari import readers
from pace_mmdet.napari.images import image_stack, images_beside
from pace_mmdet.napari.readers import (points_reader, project_reader,
                                       read_points, read_project)

# Two images, (height, width), and a third one without a box.
SIZES = dict(a=(20, 30), b=(12, 40), c=(20, 30))


def point_document():
    boxes = [(1, 1, [2, 3, 4, 5], [[2, 3], [5, 7]], [1, 0]),
             (2, 2, [0, 0, 40, 12], [[39, 11]], [-1]),
             (3, 1, [1.5, 2.25, 8, 6], [[1, 2]], [1])]
    return dict(
        images=[dict(id=i, file_name=f'{name}.tif', height=h, width=w)
                for i, (name, (h, w)) in enumerate(SIZES.items(), 1)],
        categories=[dict(id=1, name='cell')],
        annotations=[
            dict(id=i, image_id=image, category_id=1, bbox=bbox, area=1,
                 iscrowd=0, point_coords=coords, point_labels=labels)
            for i, image, bbox, coords, labels in boxes])


@pytest.fixture
def write(tmp_path):
    """Function (document, names of the images) -> annotation file."""

    def make(document, images=()):
        for folder in ('annotations', 'images/train'):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for value, name in enumerate(images, 1):
            tifffile.imwrite(tmp_path / f'images/train/{name}.tif',
                             np.full(SIZES[name], value, np.uint16))
        path = tmp_path / 'annotations/points.json'
        path.write_text(json.dumps(document))
        return path

    return make


def without_boxes(document):
    document['annotations'] = []
    return document


def one_image(document):
    document['images'] = document['images'][:1]
    document['annotations'] = document['annotations'][:1]
    return document


def test_points_and_boxes_where_napari_has_them(write):
    path = write(point_document())
    with pytest.warns(UserWarning, match='open the images as well'):
        (boxes, of_boxes, kind), (points, of_points, other) = \
            read_points(str(path))
    assert (kind, other) == ('shapes', 'points')
    # (image, row, column); a pixel's centre is its number.
    assert boxes[0].tolist() == [
        [0, 2.5, 1.5], [0, 2.5, 5.5], [0, 7.5, 5.5], [0, 7.5, 1.5]]
    assert boxes[1][2].tolist() == [1, 11.5, 39.5]
    assert boxes[2][0].tolist() == [0, 1.75, 1]
    assert points.tolist() == [[0, 3, 2], [0, 7, 5], [1, 11, 39], [0, 2, 1]]
    assert of_points['symbol'] == ['disc', 'triangle_up', 'x', 'disc']
    assert of_points['face_color'] == [
        '#2b8cff', '#ff2a2a', '#c8c8c8', '#2b8cff']
    assert of_points['features']['answer'] == [
        'yes', 'no', 'not to be used', 'yes']
    assert of_points['features']['box'].tolist() == [1, 1, 2, 3]
    assert of_boxes['features']['image'].tolist() == [
        'a.tif', 'b.tif', 'a.tif']
    # The first point of each box.
    with pytest.warns(UserWarning):
        assert len(read_points(path, 1)[1][0]) == 3


@pytest.mark.parametrize(('edit', 'ndim'), [
    (without_boxes, 3), (one_image, 2)])
def test_nothing_and_a_single_image(write, edit, ndim):
    path = write(edit(point_document()), 'a')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        *images, boxes, points = read_points(path)
    for data, arguments, _ in (boxes, points):
        assert arguments['ndim'] == data.shape[-1] == ndim
    assert [img.shape for img, *_ in images] == [SIZES['a']] * (ndim == 2)


def test_images_become_one_stack(write):
    pytest.importorskip('dask', reason='it comes with napari')
    path = write(point_document(), SIZES)
    stack, arguments, _ = read_points(path)[0]
    assert stack.shape == (3, 20, 40) and not arguments['rgb']
    assert [stack[i].compute().max() for i in range(3)] == [1, 2, 3]
    assert np.asarray(stack[1])[12:].max() == 0


def test_images_that_do_not_fit(write, tmp_path):
    path = write(point_document(), ['a', 'b'])
    with pytest.raises(ImageFileError, match='not all found in one of'):
        images_beside(path, ['a.tif', 'c.tif'])
    found = images_beside(path, ['a.tif', 'b.tif'])
    with pytest.raises(ImageFileError, match='say 31 x 20'):
        image_stack(found, np.array([(20, 31), (12, 40)]))
    pytest.importorskip('dask', reason='it comes with napari')
    tifffile.imwrite(found[1], np.zeros((12, 40), np.uint8))
    stack = image_stack(found, np.array([(20, 30), (12, 40)]))
    with pytest.raises(ImageFileError, match='grey, uint8.*grey, uint16'):
        stack[1].compute()


def test_more_boxes_than_napari_takes(write, monkeypatch):
    path = write(point_document())
    with pytest.warns(UserWarning):
        points_before = len(read_points(path)[1][0])
    monkeypatch.setattr(readers, 'MOST_BOXES', 2)
    with pytest.warns(UserWarning) as said:
        boxes, points = read_points(path)
    assert 'first 1 of 3 images' in str(said[0].message)
    assert 'first 2 of 3 boxes' in str(said[0].message)
    assert boxes[0].shape == (2, 4, 2)
    assert len(points[0]) == points_before - 1
    # One image is always shown.
    monkeypatch.setattr(readers, 'MOST_BOXES', 1)
    with pytest.warns(UserWarning) as said:
        assert len(read_points(path)[0][0]) == 2
    assert 'first 1 of 3 images' in str(said[0].message)


def test_faults_are_named(write):
    document = point_document()
    document['annotations'][0]['point_labels'] = [1, 3]
    document['annotations'][1]['bbox'] = [50, 0, 2, 2]
    with pytest.raises(AnnotationError, match='2 faults(?s:.*)label 3'):
        read_points(write(document))


@pytest.mark.parametrize(('content', 'taken'), [
    (b'', False), (b'{}', False), (b'{"point_coords": 1}', True),
    (b'{"annotations": [{"segmentation": []}]}', False)])
def test_which_files_are_taken(tmp_path, content, taken):
    path = tmp_path / 'a.json'
    path.write_bytes(content)
    assert (points_reader(str(path)) is not None) == taken
    assert project_reader(str(path)) is None
    assert points_reader([str(path)]) is points_reader('none.json') is None


def test_a_project(tmp_path):
    (tmp_path / 'images').mkdir()
    for name, size in SIZES.items():
        tifffile.imwrite(tmp_path / f'images/{name}.tif',
                         np.ones(size, np.uint16))
    path = tmp_path / 'project.db'
    with Project(tmp_path / 'images', path, num_points=2) as project:
        for number, (image, box) in enumerate([
                (1, [2, 3, 4, 5]), (2, [0, 0, 40, 12])]):
            box = project.change(
                CreateBox(f'r{number}', f'k{number}', 1, image=image,
                          box=box), 'me').result()['box']
        project.change(Answer('r2', 'k0', 1, revision=box['revision'],
                              point=0, label=1), 'me').result()
        expected = project.contents(1)['boxes'][0]['points']
        # It may be open on the page meanwhile.
        assert project_reader(str(path)) is read_project
        assert points_reader(str(path)) is None
        shutil.rmtree(tmp_path / 'images')
        with pytest.warns(UserWarning, match='open the images as well'):
            (boxes, *_), (points, arguments, _) = read_project(path)
    assert boxes[0][2].tolist() == [0, 7.5, 5.5]
    assert len(boxes) == 2 and len(points) == 4
    assert points[:2, [0, 2, 1]].tolist() == [[0, *p] for p in expected]
    assert arguments['features']['answer'] == ['yes'] + 3 * ['not answered']
