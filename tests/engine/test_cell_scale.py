import json

import pytest
from mmengine.config import Config

from pace_mmdet.engine.cell_scale import fit_to_cells, scaled
from pace_mmdet.errors import UserError


def crop(size):
    return dict(type='RandomCrop', crop_size=(size, size))


def resize(factor):
    return dict(type='Resize', scale_factor=factor, keep_ratio=True)


@pytest.mark.parametrize('steps, factor, expected', [
    ([], 2.0, []),
    ([resize(1.0)], 0.5, [resize(0.5)]),
    ([resize(1.5), dict(type='Pad')], 2, [resize(3.0), dict(type='Pad')]),
    # A crop before is of so many pixels after.
    ([crop(256), resize(1.0)], 2.0, [crop(128), resize(2.0)]),
    ([crop(256), resize(0.75)], 2.0, [crop(170), resize(1.5)]),
    ([crop(256), resize(1.0)], 1000.0, [crop(1), resize(1000.0)]),
    # Other crops are in pixels of what they crop.
    ([resize(1.0), crop(64)], 2.0, [resize(2.0), crop(64)]),
    ([crop(64)], 2.0, [crop(64)]),
    # A fixed size fits no length of cells.
    ([dict(type='Resize', scale=(9, 9))], 2.0,
     [dict(type='Resize', scale=(9, 9))]),
])
def test_pipelines(steps, factor, expected):
    value = dict(a=[dict(transforms=[steps])], b=(3, 'x', None))
    assert scaled(value, factor) == dict(
        a=[dict(transforms=[expected])], b=(3, 'x', None))


def config(root, **cell_length):
    return Config(dict(
        cell_length=dict(network=36, images=None, **cell_length),
        predict_cfg=dict(score_thr=0.25),
        train_dataloader=dict(dataset=dict(type='RepeatDataset', dataset=dict(
            data_root=str(root), ann_file='a.json',
            pipeline=[crop(256), resize(1.0)]))),
        test_dataloader=dict(dataset=dict(pipeline=[resize(1.0)]))))


def factor_of(cfg):
    return cfg.test_dataloader.dataset.pipeline[0].scale_factor


@pytest.fixture
def root(tmp_path):
    boxes = [[0, 0, 4, 9], [5, 5, 16, 10], [0, 0, 90, 18]]
    (tmp_path / 'a.json').write_text(json.dumps(dict(
        images=[], categories=[],
        annotations=[dict(bbox=box) for box in boxes])))
    return tmp_path


def checkpoint(text):
    return dict(meta=dict(cfg=text))


STORED = "predict_cfg = dict(score_thr=0.1, cell_length=12.0, diameter=8.0)\n"


def test_measured_in_the_training_boxes(root):
    cfg = config(root)
    said = fit_to_cells(cfg)
    assert '16 pixels long' in said and '3 boxes' in said and '36' in said
    assert factor_of(cfg) == 36 / 16
    train = cfg.train_dataloader.dataset.dataset.pipeline
    assert train[0].crop_size == (113, 113)
    assert 'cell_length' not in cfg
    assert cfg.predict_cfg == dict(
        score_thr=0.25, cell_length=16.0, diameter=pytest.approx(160**0.5))
    # What is stored is an ordinary config, and done once is done.
    again = Config.fromstring(cfg.pretty_text, '.py')
    assert fit_to_cells(again) == ''
    assert again.to_dict() == cfg.to_dict()


def test_what_counts_first(root):
    cfg = config(root)
    fit_to_cells(cfg, checkpoint(STORED))
    assert factor_of(cfg) == 3
    assert cfg.predict_cfg == dict(
        score_thr=0.25, cell_length=12, diameter=8)
    cfg = config(root)
    cfg.cell_length.images = 24
    assert 'as the config says' in fit_to_cells(cfg, checkpoint(STORED))
    assert factor_of(cfg) == 1.5
    assert cfg.predict_cfg.cell_length == 24


@pytest.mark.parametrize('content', [
    None, {}, dict(meta=None), checkpoint(None), checkpoint('a = 1\n'),
    checkpoint('predict_cfg = dict(score_thr=1)\n'),
    checkpoint('predict_cfg = 7\n'), checkpoint('import os\n'),
    checkpoint("predict_cfg = dict(cell_length='x')\n")
])
def test_checkpoints_that_do_not_say(root, content):
    cfg = config(root)
    fit_to_cells(cfg, content)
    assert factor_of(cfg) == 36 / 16


def test_other_configs_are_left_alone():
    cfg = Config(dict(test_dataloader=dict(pipeline=[resize(1.0)])))
    before = cfg.to_dict()
    assert fit_to_cells(cfg) == ''
    assert cfg.to_dict() == before


@pytest.mark.parametrize('length', [0, -3, 'x', float('nan'), float('inf')])
def test_lengths_that_make_no_sense(root, length):
    cfg = config(root)
    cfg.cell_length.images = length
    with pytest.raises(UserError, match='cell_length.images = '):
        fit_to_cells(cfg)


def test_a_length_that_nobody_knows(root):
    (root / 'a.json').unlink()
    with pytest.raises(UserError, match='a.json.* are not here.*cell_length'):
        fit_to_cells(config(root))
    (root / 'a.json').write_text(
        '{"images": [], "categories": [], "annotations": []}')
    with pytest.raises(UserError, match='no box to see'):
        fit_to_cells(config(root))
