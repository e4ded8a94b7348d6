"""Training takes only what is complete, through any of our pipelines."""
import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS

from pace_mmdet.datasets import CellMaskDataset, CellPointDataset
from pace_mmdet.errors import AnnotationError

PIPELINES = dict(
    points=[dict(type='LoadPointAnnotations')],
    polygons=[dict(type='LoadPolygonAnnotations')],
    drawn=[dict(type='LoadAnnotations', with_bbox=True),
           dict(type='RandomPointLabel', num_points=3)])
REGION = [20, 10, 60, 70]


@pytest.fixture(params=PIPELINES)
def build(request, mask_file, point_file, edit):
    """Function (complete of the first image, ...) -> data set."""
    path = point_file if request.param == 'points' else mask_file
    kind = CellPointDataset if request.param == 'points' else CellMaskDataset

    def make(complete, others=False, pipeline=None, **options):

        def change(document):
            for number, image in enumerate(document['images']):
                image['complete'] = others if number else complete

        edit(path, change)
        if pipeline is None:
            pipeline = [dict(type='LoadMicroscopyImage', normalize='none'),
                        *PIPELINES[request.param],
                        dict(type='PackDetInputs')]
        if kind is CellPointDataset:
            options.update(num_points=3)
        return DATASETS.build(dict(
            type=kind.__name__, ann_file=str(path), pipeline=pipeline,
            data_prefix=dict(img=str(path.parent / 'images')), **options))

    return make


def boxes_of(dataset):
    return np.array([cell['bbox'] for cell in
                     dataset.get_data_info(0)['instances']])


def within(boxes, x, y, width, height):
    """Boxes that reach over a rectangle's border by less than half a pixel
    don't reach out."""
    return ((boxes[:, :2] >= [x - 0.5, y - 0.5]) &
            (boxes[:, 2:] <= [x + width + 0.5, y + height + 0.5])).all(1)


def test_one_region(build):
    dataset = build([REGION])
    assert len(dataset) == 1
    x, y, width, height = REGION
    whole = within(boxes_of(dataset), *REGION)
    packed = dataset[0]
    assert packed['inputs'].shape == (3, height, width)
    assert np.array_equal(
        packed['inputs'].numpy(),
        build(True)[0]['inputs'].numpy()[:, y:y + height, x:x + width])
    sample = packed['data_samples']
    found = sample.gt_instances.bboxes.tensor.numpy()
    assert 0 < len(found) == whole.sum()
    expected = boxes_of(dataset)[whole] - [x, y, x, y]
    assert np.allclose(found, expected.clip(0, [width, height] * 2))
    assert len(sample.gt_instances.masks) == len(found)
    # Cut cells are neither learned nor background.
    ignored = sample.ignored_instances.bboxes.tensor.numpy()
    boxes = boxes_of(dataset)
    reach_in = ((boxes[:, 2:] > [x, y]) &
                (boxes[:, :2] < [x + width, y + height])).all(1)
    assert 0 < len(ignored) == (reach_in & ~whole).sum()


@pytest.mark.parametrize('build', ['points', 'drawn'], indirect=True)
def test_points_are_those_of_the_whole_image(build):
    instances = build([REGION])[0]['data_samples'].gt_instances
    every = build(True)[0]['data_samples'].gt_instances
    x, y = REGION[:2]
    moved = {tuple(map(float, point)) for point in
             (every.masks.coords - [x, y]).reshape(-1, 2)}
    assert len(instances.masks) and {
        tuple(map(float, point))
        for point in instances.masks.coords.reshape(-1, 2)} <= moved
    assert (instances.masks.labels >= 0).all()


def test_regions_are_drawn_by_their_size(build):
    dataset = build([[0, 0, 100, 60], [0, 80, 20, 10]])
    np.random.seed(0)
    shapes = [tuple(dataset[0]['inputs'].shape[1:]) for _ in range(60)]
    assert set(shapes) == {(60, 100), (10, 20)}
    assert shapes.count((60, 100)) > 50


def test_a_region_without_cells_is_background(build):
    dataset = build([[0, 0, 100, 90]])
    boxes = boxes_of(dataset)
    free = next([x, y, 1, 1] for x in range(100) for y in range(90)
                if not ((boxes[:, :2] <= [x + 1, y + 1]) &
                        (boxes[:, 2:] >= [x, y])).all(1).any())
    sample = build([free])[0]['data_samples']
    assert len(sample.gt_instances) == len(sample.ignored_instances) == 0


def test_incomplete_images_are_left_out_by_name(build, log, monkeypatch):
    monkeypatch.setattr('pace_mmdet.datasets.checks.print_log',
                        lambda line, **kwargs: log.append(line))
    for test_mode in (False, True):
        log.clear()
        assert len(build(True, test_mode=test_mode)) == 1
        line, = [line for line in log if 'left out' in line]
        assert '2 of 3 images' in line
        assert '_01.tif' in line and '_02.tif' in line
    log.clear()
    assert len(build(True, others=True)) == 3
    assert len(build([REGION], others=[[0, 0, 128, 96]])) == 3
    assert log == []
    with pytest.raises(AnnotationError, match='all of its images say'):
        build(False)


def test_other_pipelines_are_refused(build):
    pipeline = [dict(type='LoadMicroscopyImage'),
                dict(type='LoadAnnotations', with_bbox=True)]
    assert len(build(True, pipeline=pipeline)) == 1
    assert len(build([REGION], pipeline=[])) == 1
    assert len(build([REGION], pipeline=pipeline, test_mode=True)) == 1
    with pytest.raises(AnnotationError, match='needs LoadPointAnnotations'):
        build([REGION], pipeline=pipeline)


@pytest.mark.parametrize('complete', ['yes', [[0, 0, 5]], [[500, 0, 9, 9]]])
def test_what_makes_no_sense(build, complete):
    with pytest.raises(AnnotationError, match='3 faults') as error:
        build(complete, others=complete)
    assert str(error.value).count('"complete"') == 3


def test_it_is_the_same_for_the_same_place_in_the_stream(build):
    dataset = build([[0, 0, 60, 60], [60, 0, 60, 60]])
    drawn = []
    for _ in range(2):
        np.random.seed(3)
        drawn.append(torch.stack([dataset[0]['inputs'] for _ in range(5)]))
    assert torch.equal(*drawn)
