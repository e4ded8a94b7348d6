import numpy as np
import pytest
from scipy import ndimage

from pace_mmdet.errors import UserError
from pace_mmdet.inference.segmenter import aligned_factor
from pace_mmdet.inference.thresholding import ThresholdDetector
from pace_mmdet.testing import synthetic_cells


def test_the_layout_of_tiles_makes_no_difference(threshold_segmenter):
    img = synthetic_cells(120, 300, 340, seed=2).image
    whole = threshold_segmenter(tile_size=1000)(img)
    assert len(whole) == ndimage.label(img > 100)[1] > 100
    for tile_size, overlap in ((64, 40), (90, 45), (128, 60)):
        cells = threshold_segmenter(tile_size=tile_size, overlap=overlap)(img)
        assert np.array_equal(cells.label_image(), whole.label_image())


def test_intensities_are_those_of_the_whole_image(threshold_segmenter):
    """A tile of background alone is not stretched to look like cells."""
    img = np.zeros((50, 400), np.uint16)
    img[:, ::2] += 10
    img[20:30, 20:30] = 40000
    cells = threshold_segmenter('percentile', tile_size=64)(img)
    assert cells.mask_boxes.tolist() == [[20, 20, 30, 30]]


def test_reading_order(threshold_segmenter):
    img = np.zeros((40, 40), np.uint8)
    img[20:25, 2:5] = img[1:5, 30:35] = img[1:9, 10:20] = 200
    cells = threshold_segmenter()(img)
    assert cells.corners.tolist() == [[10, 1], [30, 1], [2, 20]]


def test_weak_cells_are_left_out(threshold_segmenter):
    img = np.zeros((40, 40), np.uint8)
    img[:10, :10] = img[20:22, 20:22] = 200  # scores 100/110 and 4/14
    assert len(threshold_segmenter(score_thr=0.2)(img)) == 2
    assert len(threshold_segmenter(score_thr=0.5)(img)) == 1


class Recorder(ThresholdDetector):
    """Keeps the shapes of the batches that it got."""

    def __init__(self, limit=None):
        super().__init__(100)
        self.limit = limit
        self.batches = []

    def __call__(self, tiles, factor):
        self.batches.append([tile.shape for tile in tiles])
        return super().__call__(tiles, factor)


@pytest.mark.parametrize('batch_size', [1, 2, 3, 7])
def test_tiles_of_many_images_are_batched(threshold_segmenter, batch_size):
    images = [synthetic_cells(9, 60, width, seed).image
              for seed, width in enumerate((60, 60, 150, 60, 70, 150, 60))]
    segmenter = threshold_segmenter(batch_size=batch_size)
    segmenter.detector = Recorder()
    told = {}

    def on_tile(key, done, total):
        told.setdefault(key, []).append((done, total))

    found = dict(segmenter.stream(enumerate(images), on_tile))
    assert sorted(found) == list(range(7))
    for key, img in enumerate(images):
        alone = threshold_segmenter()(img)
        assert np.array_equal(found[key].cells.label_image(),
                              alone.label_image())
        total = found[key].num_tiles
        assert told[key] == [(n, total) for n in range(total + 1)]
    sizes = [len(batch) for batch in segmenter.detector.batches]
    assert max(sizes) == batch_size
    for batch in segmenter.detector.batches:
        assert len(set(batch)) == 1


def test_images_that_wait_are_few(threshold_segmenter):
    """Images of ever new sizes fill no batch, but must not pile up."""
    taken = []

    def images():
        for number in range(10):
            taken.append(number)
            yield number, np.zeros((10, 10 + number), np.uint8)

    for _ in threshold_segmenter(batch_size=3).stream(images()):
        break
    assert len(taken) == 3


def test_full_tiles_and_joined_cells_are_counted(threshold_segmenter):
    segmenter = threshold_segmenter(tile_size=64, overlap=16)
    segmenter.detector = Recorder(limit=2)
    img = np.zeros((64, 200), np.uint8)
    img[10:20] = img[30:32, 3:5] = img[40:50, 3:5] = 200
    (_, found), = segmenter.stream([(0, img)])
    assert found.joined == 1
    assert found.full_tiles == 1 and found.num_tiles > 3


@pytest.mark.parametrize(('factor', 'expected', 'step'), [
    (1.0, 1.0, 64), (0.5, 0.5, 128), (1.3, 64 / 49, 49),
    (800 / 520, 64 / 42, 42), (66.0, 64.0, 1), (0.01, 0.01, 6400),
])
def test_aligned_factor(factor, expected, step):
    assert aligned_factor(factor, 64) == (pytest.approx(expected), step)
    if factor < 2.5:
        assert abs(expected / factor - 1) < 0.02


@pytest.mark.parametrize('factor, nearest', [
    (100., 64), (43., 64), (26., 32), (10., 10.67)])
def test_no_factor_is_near(factor, nearest):
    with pytest.raises(UserError, match=f'nearest factor is {nearest}: .*'
                       '--scale'):
        aligned_factor(factor, 64)


class Strided(ThresholdDetector):
    """Sees tiles as a network of stride 16 does."""
    step = 16

    def __init__(self):
        super().__init__(100)
        self.seen = []

    def __call__(self, tiles, factor):
        self.seen += [(tile.shape[1], round(factor, 4)) for tile in tiles]
        return super().__call__(tiles, factor)


@pytest.mark.parametrize(('width', 'seen'), [
    (170, [(170, 1.1)]),  # small enough to be left whole, as in testing
    (400, [*[(150, 1.0667)] * 3, (145, 1.0667)]),
])
def test_tiles_are_whole_numbers_of_strides(threshold_segmenter, width, seen):
    segmenter = threshold_segmenter(scale=1.1, tile_size=160, overlap=40)
    segmenter.detector = Strided()
    img = np.zeros((20, width), np.uint8)
    img[5:15, 100:112] = 200
    assert segmenter(img).mask_boxes.tolist() == [[100, 5, 112, 15]]
    assert segmenter.detector.seen == seen


@pytest.mark.parametrize('shape', [(1, 1), (1, 300), (300, 1), (3, 2, 3)])
def test_tiny_images(threshold_segmenter, shape):
    img = np.full(shape, 200, np.uint8)
    cells = threshold_segmenter(score_thr=0)(img)
    assert cells.label_image().tolist() == np.ones(shape[:2]).tolist()


@pytest.mark.parametrize('scale', [0.01, 0.3, 2.7, 33, 64])
@pytest.mark.parametrize('tiles', [(129, 0), (200, 71), (768, 639)])
def test_extreme_scales(threshold_segmenter, scale, tiles):
    segmenter = threshold_segmenter(scale=scale, tile_size=tiles[0],
                                    overlap=tiles[1])
    segmenter.detector.step = 64
    img = np.zeros((1, 30), np.uint8)
    img[0, 13] = 200
    segmenter.score_thr = 0.0
    assert segmenter(img).corners.tolist() == [[13, 0]]


@pytest.mark.parametrize(('options', 'message'), [
    (dict(tile_size=64, overlap=64), 'tiles of 64 pixels cannot overlap'),
    (dict(overlap=-1), 'cannot overlap by -1'),
    (dict(score_thr=1.5), 'between 0 and 1, got 1.5'),
    (dict(batch_size=0), 'at least 1'),
])
def test_wrong_options(threshold_segmenter, options, message):
    with pytest.raises(UserError, match=message):
        threshold_segmenter(**options)


def test_values_that_cannot_be_normalised(threshold_segmenter):
    with pytest.raises(ValueError, match='4 of 4 values are NaN'):
        threshold_segmenter('percentile')(np.full((2, 2), np.nan))
