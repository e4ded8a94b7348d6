"""The network: what a checkpoint gives, beside MMDetection's own pipeline."""
import copy
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from mmcv.transforms import Compose
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.runner import CheckpointLoader
from pycocotools import mask as mask_utils

from pace_mmdet.engine.safe_loading import use_safe_loading
from pace_mmdet.errors import UserError
from pace_mmdet.images.intensities import Intensities
from pace_mmdet.inference import load_segmenter
from pace_mmdet.inference.detector import NetworkDetector, load_detector
from pace_mmdet.inference.preparation import preparation_of
from pace_mmdet.models import CenterFlowDetector
from pace_mmdet.testing import synthetic_cells

from .networks import CONFIG, save_untrained

FLOW_CONFIG = Path(__file__).parents[2] / 'configs/own_data/own_points.py'


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Config, checkpoint and model."""
    path = tmp_path_factory.mktemp('model') / 'x.pth'
    cfg, model = save_untrained(path)
    return cfg, path, model.eval()


@pytest.mark.parametrize('resize', [
    dict(scale_factor=1.0), dict(scale=(200, 150)), dict(scale_factor=0.75)
])
def test_as_the_test_pipeline_of_the_config(trained, tmp_path, resize):
    cfg, path, model = trained
    image = (synthetic_cells(9, 90, 130).image * 100.0).astype(np.uint16)
    tifffile.imwrite(tmp_path / 'a.tif', image)
    steps = copy.deepcopy(cfg.test_dataloader.dataset.pipeline)
    steps[1] = dict(type='Resize', keep_ratio=True, **resize)
    pipeline = Compose(steps)
    data = pipeline(dict(img_path=str(tmp_path / 'a.tif'), img_id=1))
    with torch.no_grad():
        expected = model.test_step(pseudo_collate([data]))[0].pred_instances
    detector, _ = load_detector(path, score_thr=0.0)
    assert detector.classes == ('nucleus', )
    preparation = preparation_of(Config(dict(test_dataloader=dict(
        dataset=dict(pipeline=steps)))))
    cells, = detector([preparation.intensities(image)],
                      preparation.factor(*image.shape))
    assert len(cells) > 5
    shown = [i for i, code in enumerate(expected.masks)
             if mask_utils.area(code)]
    assert np.array_equal(cells.scores, expected.scores[shown].numpy())
    assert np.array_equal(cells.bboxes, expected.bboxes[shown].numpy())
    assert [code['counts'] for code in cells.codes()] == [
        expected.masks[i]['counts'] for i in shown
    ]


def test_resized_and_in_batches(trained):
    detector = NetworkDetector(trained[2])
    tiles = [synthetic_cells(5, 40, 60, seed).image for seed in range(2)]
    both = detector(tiles, 2.0)
    for tile, cells in zip(tiles, both):
        alone, = detector([tile], 2.0)
        assert (cells.height, cells.width) == (40, 60)
        assert np.allclose(cells.bboxes, alone.bboxes, atol=1e-2)
        assert cells.mask_boxes.max() <= 60


@pytest.mark.parametrize('shape', [(1, 1), (1, 40), (300, 1), (7, 5, 3)])
@pytest.mark.parametrize('factor', [1.0, 0.2])
def test_tiny_tiles(trained, shape, factor):
    cells, = NetworkDetector(trained[2])([np.full(shape, 50, np.uint8)],
                                         factor)
    assert (cells.height, cells.width) == shape[:2]


def test_limits_grow_with_the_tile(trained):
    detector = NetworkDetector(trained[2], usual_pixels=64 * 64)
    detector([np.zeros((32, 32), np.uint8)], 1.0)
    assert detector.limit == 12
    detector([np.zeros((64, 128), np.uint8)], 1.0)
    assert detector.limit == 24
    assert detector.model.rpn_head.test_cfg.nms_pre == 60
    detector([np.zeros((32, 32), np.uint8)], 1.0)
    assert detector.limit == 12


def test_bitmaps_are_taken_too(trained):
    model = trained[2]
    tile = synthetic_cells(5, 40, 60).image
    codes, = NetworkDetector(model)([tile], 1.0)
    model.roi_head.test_cfg.mask_codes = False
    bitmaps, = NetworkDetector(model)([tile], 1.0)
    model.roi_head.test_cfg.mask_codes = True
    assert len(codes) and codes.codes() == bitmaps.codes()


def test_settings_of_the_config_and_ours(trained, tmp_path):
    cfg, path, _ = trained
    segmenter = load_segmenter(path)
    assert segmenter.score_thr == cfg.get('predict_cfg', {}).get(
        'score_thr', 0.35)
    assert segmenter.preparation.normalize == 'percentile'
    own = tmp_path / 'own.py'
    own.write_text(f"_base_ = '{CONFIG}'\n"
                   'predict_cfg = dict(score_thr=0.25, diameter=20.0)\n')
    segmenter = load_segmenter(path, own, diameter=40, tile_size=500,
                               batch_size=2,
                               intensities=Intensities('range', 5, 9))
    assert segmenter.score_thr == 0.25
    assert segmenter.preparation.scale == 0.5
    assert (segmenter.preparation.normalize, segmenter.preparation.low,
            segmenter.preparation.high) == ('range', 5, 9)
    assert (segmenter.tile_size, segmenter.batch_size) == (500, 2)


@pytest.mark.parametrize(('options', 'said'), [
    (dict(scale=0), 'scale must be between'),
    (dict(scale=2, diameter=3), 'a scale or a diameter'),
    (dict(diameter=-1), 'must be above 0, got -1'),
    (dict(intensities=Intensities('minmax')), 'normalize must be one of'),
    (dict(device='cuda:77'), '--device cuda:77: '),
    (dict(config='none.py'), 'none.py: no such config file'),
])
def test_wrong_options(trained, options, said):
    with pytest.raises(UserError, match=said):
        load_segmenter(trained[1], **options)


def test_switches_of_pytorch_stay_as_they_were(trained, monkeypatch):
    monkeypatch.delenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', raising=False)
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '0')
    load_detector(trained[1])
    assert 'TORCH_FORCE_WEIGHTS_ONLY_LOAD' not in os.environ
    assert os.environ['TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'] == '0'


@pytest.mark.parametrize('trust', [False, True])
def test_trust_ends_with_the_load(trained, tmp_path, monkeypatch, trust):
    monkeypatch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', '1')
    monkeypatch.setattr(CheckpointLoader, '_schemes',
                        CheckpointLoader._schemes)
    use_safe_loading()
    load_detector(trained[1], trust=trust)
    torch.save(dict(state_dict={}, code=Path('x')), tmp_path / 'code.pth')
    with pytest.raises(UserError, match='beside data it holds code'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'code.pth'))


def test_checkpoints_that_do_not_fit(trained, tmp_path):
    cfg, path, model = trained
    weights = model.state_dict()
    weights['neck.lateral_convs.0.conv.weight'] = torch.zeros(3)
    torch.save(dict(state_dict=weights, meta=dict(cfg=cfg.pretty_text)),
               tmp_path / 'x.pth')
    with pytest.raises(UserError, match=r'1 of \d+ parameters differ:\n  - '
                       r'neck.lateral_convs.0.conv.weight: \(3,\) instead'):
        load_segmenter(tmp_path / 'x.pth')
    with pytest.raises(UserError, match='none.pth: no such checkpoint'):
        load_segmenter('none.pth')
    (tmp_path / 'text.pth').write_text('no checkpoint')
    with pytest.raises(UserError, match='not a checkpoint'):
        load_segmenter(tmp_path / 'text.pth')


def test_a_model_without_masks(tmp_path):
    cfg = Config.fromfile(CONFIG)
    for key in ('mask_head', 'mask_roi_extractor', 'mask_stage'):
        cfg.model.roi_head.pop(key)
    cfg.model.roi_head.type = 'CascadeRoIHead'
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict(),
                    meta=dict(cfg=cfg.pretty_text)), tmp_path / 'x.pth')
    with pytest.raises(UserError, match='finds boxes only, no masks'):
        load_segmenter(tmp_path / 'x.pth')


def test_views(trained, tmp_path):
    cfg = Config.fromfile(FLOW_CONFIG)
    cfg.model.type = 'SingleStageDetector'  # as it was at first
    del cfg.model.test_cfg['views']
    model = MODELS.build(cfg.model)
    cfg.cell_length.images = 36
    torch.save(dict(state_dict=model.state_dict(),
                    meta=dict(cfg=cfg.pretty_text)), tmp_path / 'x.pth')
    path = tmp_path / 'x.pth'
    assert load_detector(path)[0].model.test_cfg.get('views') is None
    detector, _ = load_detector(path, views=2)
    assert isinstance(detector.model, CenterFlowDetector)
    assert detector.model.test_cfg.views == 2
    with pytest.raises(UserError, match='only flow models look at an image '
                       'from 4 sides, this one is a CascadeRCNN'):
        load_segmenter(trained[1], views=4)


def test_tiles_of_a_reduced_copy(trained):
    """The network sees the same; what it finds is twice as large."""
    detector = NetworkDetector(trained[2])
    tile = synthetic_cells(9, 96, 128).image
    small, = detector([tile], 1.0)
    large, = detector([tile], 1.0, 2)
    assert (large.height, large.width) == (192, 256)
    assert np.allclose(large.bboxes, 2 * small.bboxes, atol=1e-3)
    assert np.array_equal(large.scores, small.scores)
    # Pasted at that size, not enlarged.
    assert large.areas.sum() == pytest.approx(4 * small.areas.sum(), rel=0.1)


def test_bfloat16_on_what_loses_nothing(trained):
    """Boxes stay float32: only the features are rounded."""
    tile = synthetic_cells(9, 96, 128).image
    exact, = NetworkDetector(trained[2])([tile], 1.0)
    detector = NetworkDetector(trained[2], in_bfloat16=True)
    seen = []
    hook = trained[2].backbone.conv1.register_forward_hook(
        lambda *args: seen.append(args[-1].dtype))
    rounded, = detector([tile], 1.0)
    hook.remove()
    assert seen == [torch.bfloat16]
    assert abs(len(rounded) - len(exact)) <= 0.2 * len(exact)
    assert rounded.bboxes.dtype == np.float64
    # Places that bfloat16 does not have.
    as_bf16 = torch.from_numpy(rounded.bboxes).bfloat16().double().numpy()
    assert (as_bf16 != rounded.bboxes).any()


def test_identity_tells_models_apart(trained):
    one, other = NetworkDetector(trained[2]), NetworkDetector(
        copy.deepcopy(trained[2]))
    assert one.identity == other.identity
    assert NetworkDetector(trained[2], in_bfloat16=True).identity != \
        one.identity
    with torch.no_grad():
        next(other.model.parameters()).flatten()[0] += 1
    assert NetworkDetector(other.model).identity != one.identity
