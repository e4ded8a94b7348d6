"""What PointLocalVisualizer draws."""
import time
import warnings

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import VISUALIZERS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils

from pace_mmdet.structures import InstancePoints
from pace_mmdet.visualization import PointLocalVisualizer
from pace_mmdet.visualization.visualizer import legible_zoom

GREY = (60, 60, 60)


@pytest.fixture
def draw(tmp_path):
    """Draw a sample; the picture as RGB integers."""

    def _draw(image, sample, classes=('cell', ), **kwargs):
        visualizer = VISUALIZERS.get('PointLocalVisualizer')(**kwargs)
        visualizer.dataset_meta = dict(
            classes=classes, palette=[(255, 0, 255), (0, 255, 255)])
        out_file = str(tmp_path / 'picture.png')
        visualizer.add_datasample(
            'name',
            image,
            sample,
            draw_pred=sample is not None and 'pred_instances' in sample,
            out_file=out_file)
        return cv2.imread(out_file)[..., ::-1].astype(int)

    return _draw


def truth(bboxes=None, masks=None, labels=None):
    sample = DetDataSample()
    fields = dict(bboxes=bboxes, masks=masks)
    instances = InstanceData(**{
        k: v
        for k, v in fields.items() if v is not None
    })
    instances.labels = torch.zeros(len(instances), dtype=torch.int64) \
        if labels is None else labels
    sample.gt_instances = instances
    return sample


def plain(height=20, width=30):
    return np.full((height, width, 3), 60, np.uint8)


@pytest.mark.parametrize('height, width, zoom', [
    (1, 1, 8),
    (20, 30, 8),
    (256, 256, 4),
    (520, 704, 2),
    (1, 1024, 1),
    (4096, 4096, 1),
])
def test_small_images_are_enlarged(height, width, zoom):
    assert legible_zoom(height, width) == zoom


@pytest.mark.parametrize('zoom', [1, 4])
def test_points_have_the_papers_colours_at_their_place(draw, zoom):
    points = InstancePoints([[[5.5, 5.5], [24.5, 14.5], [15.5, 10.5]]],
                            [[1, 0, -1]], 20, 30)
    picture = draw(
        plain(),
        truth(torch.tensor([[2., 3, 28, 17]]), points),
        zoom=zoom,
        alpha=1.0)
    assert picture.shape == (20 * zoom, 30 * zoom, 3)
    at = lambda x, y: picture[int(y * zoom), int(x * zoom)]  # noqa: E731
    red, green, blue = at(5.5, 5.5)
    assert blue > 180 and blue > red + 80
    red, green, blue = at(24.5, 14.5)
    assert red > 180 and red > blue + 80 and red > green + 80
    unused = at(15.5, 10.5)
    assert np.ptp(unused) < 10 and unused[0] > 100  # a grey cross
    box = at(15.5, 3)
    assert box[0] > 120 and box[1] > 100 and box[2] < 90  # yellow
    assert tuple(at(20.5, 8.5)) == GREY


@pytest.mark.parametrize('form', ['bitmaps', 'tensor', 'polygons', 'codes'])
def test_masks_of_all_forms_are_outlined(draw, form):
    mask = np.zeros((20, 30), np.uint8)
    mask[5:15, 10:20] = 1
    masks = dict(
        bitmaps=BitmapMasks(mask[None], 20, 30),
        tensor=torch.from_numpy(mask[None].astype(bool)),
        polygons=PolygonMasks([[np.array([10., 5, 20, 5, 20, 15, 10, 15])]],
                              20, 30),
        codes=[mask_utils.encode(np.asfortranarray(mask))])[form]
    boxes = torch.tensor([[10., 5, 20, 15]])
    picture = draw(plain(), truth(boxes, masks), zoom=4, fill_alpha=0.5)
    changed = (picture != GREY).any(-1)
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(
        changed.any(0))
    # Lines are centred on the edges, and snapped to whole pixels.
    assert np.abs(rows[[0, -1]] - (20, 60)).max() <= 1
    assert np.abs(columns[[0, -1]] - (40, 80)).max() <= 1
    assert changed[22:58, 42:78].all()


def test_boxes_of_masks_only_if_asked_for(draw):
    polygons = PolygonMasks([[np.array([10., 5, 20, 5, 15, 15])]], 20, 30)
    sample = truth(torch.tensor([[2., 2, 28, 18]]), polygons)
    without, asked = (
        draw(plain(), sample, show_boxes=show) for show in (False, True))
    corner = (slice(10, 30), slice(10, 30))
    assert (without[corner] == GREY).all()
    assert (asked[corner] != GREY).any()


def test_boxes_alone_are_drawn(draw):
    boxes = HorizontalBoxes(torch.tensor([[2., 2, 28, 18]]))
    assert (draw(plain(), truth(boxes)) != GREY).any()


def test_one_class_has_no_text_and_several_have(draw):
    boxes = torch.tensor([[5., 8, 25, 18], [10., 10, 20, 15]])
    one, named = (
        draw(plain(), truth(boxes), classes=classes)
        for classes in (('cell', ), ('cell', 'debris')))
    above = (slice(0, 60), slice(30, 120))
    assert (one[above] == GREY).all()
    assert (named[above] != GREY).any()
    silent = draw(
        plain(), truth(boxes), classes=('cell', 'debris'), show_texts=False)
    assert (silent[above] == GREY).all()


def test_several_classes_have_the_palettes_colours(draw):
    boxes = torch.tensor([[2., 2, 10, 18], [15., 2, 28, 18]])
    picture = draw(
        plain(),
        truth(boxes, labels=torch.tensor([0, 1])),
        classes=('a', 'b'),
        show_texts=False,
        alpha=1.0)
    assert tuple(picture[80, 16]) == (255, 0, 255)
    assert tuple(picture[80, 120]) == (0, 255, 255)


def test_side_by_side_and_score_threshold(draw, make_cells, make_sample):
    cells = make_cells(2, 40, 60)
    sample = make_sample(cells, cells.points, cells.codes, [0.9, 0.1])
    picture = draw(cells.image, sample, zoom=1)
    assert picture.shape == (40, 120, 3)
    right = picture[:, 60:]
    changed = (right != cells.image[..., None]).any(-1)
    first, second = (mask_utils.decode(code) > 0 for code in cells.codes)
    assert changed[first].mean() > 0.9
    assert changed[second].mean() < 0.05


@pytest.mark.parametrize('count, height, width', [
    (0, 30, 40),
    (1, 30, 40),
    (1, 30, 1),
    (2, 1, 50),
    (150, 90, 120),
])
def test_odd_images(draw, make_cells, make_sample, count, height, width):
    cells = make_cells(count, height, width)
    zoom = legible_zoom(height, width)
    picture = draw(cells.image, make_sample(cells, cells.points, cells.codes))
    assert picture.shape == (height * zoom, 2 * width * zoom, 3)
    changed = picture != np.tile(
        cells.image.repeat(zoom, 0).repeat(zoom, 1), 2)[..., None]
    assert changed.any() == (count > 0)


def test_cells_at_and_beyond_the_border(draw):
    points = InstancePoints([[[0.5, 0.5]], [[29.5, 19.5]], [[-3, 50]]],
                            [[1], [0], [1]], 20, 30)
    boxes = torch.tensor([[0., 0, 1, 1], [29, 19, 30, 20], [-9, 15, 2, 60.]])
    picture = draw(plain(), truth(boxes, points))
    assert picture.shape == (160, 240, 3)
    assert tuple(picture[80, 120]) == GREY


def test_nothing_to_draw_leaves_the_image(draw):
    assert (draw(plain(), DetDataSample()) == 60).all()
    assert (draw(plain(), None) == 60).all()
    # What detectors without boxes give.
    assert (draw(plain(), truth(torch.zeros(2, 4))) == 60).all()


@pytest.mark.parametrize('shape', [(20, 30), (20, 30, 1), (20, 30, 3)])
def test_grey_and_colour_images(draw, shape):
    image = np.full(shape, 60, np.uint8)
    assert draw(image, truth(torch.zeros(0, 4)), zoom=1).shape == (20, 30, 3)


@pytest.mark.parametrize('zoom', [0, -1, 1.5])
def test_zoom_must_be_whole(zoom):
    with pytest.raises(ValueError, match='zoom must be a whole number'):
        PointLocalVisualizer('zoom', zoom=zoom)


def test_thousands_of_cells_are_quick(draw, make_cells, make_sample):
    cells = make_cells(3000, 520, 704, num_points=10)
    sample = make_sample(cells, cells.points, cells.codes)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        start = time.process_time()
        draw(cells.image, sample)
        seconds = time.process_time() - start
    # About 1.5 s; a call per cell takes over 30 s.
    assert seconds < 8
