import json

import numpy as np
import pytest
from mmengine.config import Config

from pace_mmdet.datasets import LoadMicroscopyImage
from pace_mmdet.errors import AnnotationError, UserError
from pace_mmdet.inference.preparation import (preparation_of, score_threshold,
                                              tile_size, trained_diameter)
from pace_mmdet.inference.tiling import plan_tiles

LOAD = dict(type='LoadMicroscopyImage')
PACK = dict(type='PackDetInputs')


def config(*pipeline, **predict_cfg):
    return Config(dict(
        test_dataloader=dict(dataset=dict(pipeline=list(pipeline))),
        predict_cfg=predict_cfg))


def resize(**options):
    return dict(type='Resize', keep_ratio=True, **options)


@pytest.mark.parametrize(('steps', 'predict_cfg', 'factors'), [
    ([], {}, [1, 1]),
    ([resize(scale_factor=0.5)], {}, [0.5, 0.5]),
    # A fixed size: for each image of its own, or as for the data set's.
    ([resize(scale=(1333, 800))], {}, [800 / 520, 800 / 3000]),
    ([resize(scale=(1333, 800))], dict(image_shape=(520, 704)),
     [800 / 520, 800 / 520]),
    ([resize(scale_factor=2.0), dict(type='Pad', size_divisor=32),
      dict(type='LoadAnnotations', with_mask=True)], {}, [2, 2]),
])
def test_size(steps, predict_cfg, factors):
    preparation = preparation_of(config(LOAD, *steps, PACK, **predict_cfg))
    assert preparation.factor(520, 704) == pytest.approx(factors[0])
    assert preparation.factor(3000, 4000) == pytest.approx(factors[1])


def test_intensities_are_those_of_training():
    img = np.random.default_rng(0).integers(0, 60000, (9, 9)).astype(np.uint16)
    for options in ({}, dict(low=5.0, high=90.0), dict(to_float32=True),
                    dict(channel=1)):
        preparation = preparation_of(config(dict(LOAD, **options), PACK))
        transform = LoadMicroscopyImage(**options)
        assert preparation.normalize == transform.normalize
        assert (preparation.low, preparation.high, preparation.to_float32,
                preparation.channel) == (transform.low, transform.high,
                                         transform.to_float32,
                                         transform.channel)
        found = preparation.intensities(img)
        assert found.dtype == (np.float32 if options.get('to_float32') else
                               np.uint8)
    stock = preparation_of(config(dict(type='LoadImageFromFile'), PACK))
    assert stock.normalize == 'none'


@pytest.mark.parametrize('steps', [
    [PACK], [LOAD, dict(type='RandomFlip'), PACK],
    [LOAD, resize(scale=(5, 5)), resize(scale=(6, 6))],
    [LOAD, dict(type='Resize', scale=(5, 5)), PACK],
    [LOAD, resize(scale_factor=2.0, interpolation='nearest'), PACK],
    [LOAD, dict(type='Resize', scale_factor=(1.0, 2.0)), PACK],
])
def test_pipelines_that_cannot_be_followed(steps):
    with pytest.raises(UserError, match='test pipeline'):
        preparation_of(config(*steps))


def test_no_pipeline():
    with pytest.raises(UserError, match='no test_dataloader with a pipeline'):
        preparation_of(Config(dict(model={})))


def test_tiles_leave_the_images_of_the_config_whole():
    assert tile_size(config(LOAD, PACK)) == 768
    fixed = config(LOAD, resize(scale=(1333, 800)), PACK,
                   image_shape=(520, 704))
    assert tile_size(fixed) == 896  # at least 1084 / 1.25
    layout = plan_tiles(800, 1084, 896, 192, 64)
    assert len(layout.tiles()) == 1
    small = config(LOAD, PACK, image_shape=(100, 100))
    assert tile_size(small) == 768


def test_score_threshold():
    assert score_threshold(Config({})) == 0.35
    assert score_threshold(config(score_thr=0.3)) == 0.3
    assert score_threshold(config(score_thr=0.3), 0.0) == 0.0


def test_diameter(tmp_path):
    assert trained_diameter(config(diameter=12)) == 12
    cfg = Config(dict(train_dataloader=dict(
        dataset=dict(data_root=str(tmp_path), ann_file='a.json'))))
    with pytest.raises(UserError, match='a.json.* are not here; give --scale'):
        trained_diameter(cfg)
    boxes = [[0, 0, 4, 9], [5, 5, 10, 10], [0, 0, 90, 90.0]]
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(dict(
        images=[], categories=[], annotations=[dict(bbox=b) for b in boxes])))
    assert trained_diameter(cfg) == 10
    path.write_text('{"images": [], "categories": [], "annotations": []}')
    with pytest.raises(UserError, match='has no cells'):
        trained_diameter(cfg)
    path.write_text('{"annotations": [')
    with pytest.raises(AnnotationError, match='a.json'):
        trained_diameter(cfg)


@pytest.mark.parametrize('normalize', ['standard', 'percentile', 'none'])
def test_what_is_shown(normalize):
    img = np.zeros((40, 50), np.uint8)
    img[5:15, 5:15], img[20:30, 20:30] = 60, 250
    preparation = preparation_of(config(
        dict(type='LoadMicroscopyImage', normalize=normalize), PACK))
    black, faint, bright = preparation.shown(img)[[0, 6, 21], [0, 6, 21]]
    assert black == 0 and bright > 240 and 50 < faint < 70
    if normalize == 'standard':
        assert preparation.intensities(img)[0, 0] > 50
    else:
        assert np.array_equal(preparation.shown(img),
                              preparation.intensities(img))
