"""Own data with the flow model, as a user goes through it."""
import json
import shutil

import numpy as np
import pytest
from mmengine.config import Config

from pace_mmdet.coco.converting import masks_to_points
from pace_mmdet.engine import find_checkpoint, load_checkpoint_file
from pace_mmdet.inference.segmenter import load_segmenter
from pace_mmdet.testing import write_synthetic_coco
from tests.engine.processes import run_tool_forked

SMALL = """
_base_ = 'pace_mmdet::own_data/own_{}.py'
model = dict(
    backbone=dict(base_channels=16, num_levels=3),
    bbox_head=dict(in_channels=16))
train_cfg = dict(max_iters=1, val_interval=10)
loading = dict(num_workers=0, persistent_workers=False)
train_dataloader = val_dataloader = test_dataloader = loading
default_hooks = dict(checkpoint=dict(interval=1))
"""


@pytest.fixture
def own_data(tmp_path, monkeypatch):
    """Images with points, of 20 cells each, in the layout of own data."""
    root = tmp_path / 'own'
    masks = write_synthetic_coco(root, 2, 20, 96, 128)
    (root / 'annotations').mkdir()
    for name in ('train', 'val'):
        masks_to_points(masks, root / f'annotations/{name}.json')
    monkeypatch.setenv('PACE_OWN_DATA', str(root))
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')
    return root


@pytest.fixture
def small(tmp_path):
    """Gives the path of a small model's config."""

    def write(name):
        path = tmp_path / f'small_{name}.py'
        path.write_text(SMALL.format(name))
        return path

    return write


def median_length(path):
    content = json.loads(path.read_text())
    return float(np.median([max(cell['bbox'][2:])
                            for cell in content['annotations']]))


def stored_factor(path):
    cfg = Config.fromstring(load_checkpoint_file(path)['meta']['cfg'], '.py')
    return cfg.test_dataloader.dataset.pipeline[1].scale_factor


def test_the_scale_goes_from_boxes_to_prediction(own_data, small, tmp_path,
                                                 capfd):
    train, work_dir = own_data / 'annotations/train.json', tmp_path / 'run'
    length, config = median_length(train), small('points')
    command = ('train', config, '--work-dir', work_dir, '--resume')
    assert run_tool_forked(*command) == 0
    assert f'{length:g} pixels long, the median of' in capfd.readouterr().out
    assert stored_factor(work_dir / 'iter_1.pth') == 36 / length
    # Cells that were drawn meanwhile don't change a run that goes on.
    content = json.loads(train.read_text())
    for cell in content['annotations']:
        cell.update(bbox=[0, 0, 90, 90])
    train.write_text(json.dumps(content))
    assert run_tool_forked(*command, '--cfg-options',
                           'train_cfg.max_iters=2') == 0
    checkpoint = find_checkpoint(work_dir)
    assert checkpoint.name == 'iter_2.pth'
    assert stored_factor(checkpoint) == 36 / length
    # Neither does it matter where the boxes are no more.
    train.unlink()
    assert run_tool_forked('test', config, checkpoint, '--work-dir',
                           tmp_path / 'test') == 0
    assert 'as in the checkpoint' in capfd.readouterr().out
    shutil.rmtree(own_data)
    for given in (None, config):
        factor = load_segmenter(checkpoint, given).preparation.factor(96, 128)
        assert factor == 36 / length
        twice = load_segmenter(checkpoint, given, scale=2.0)
        assert twice.preparation.factor(96, 128) == 2 * factor
        # Longer than wide: their diameter is a little less than their length.
        large = load_segmenter(checkpoint, given, diameter=10 * length)
        assert 0.07 * factor < large.preparation.factor(96, 128) < 0.1 * factor


@pytest.mark.parametrize('name, score', [('points', 'bbox'),
                                         ('masks', 'segm')])
def test_the_best_checkpoint_is_best_by_what_can_be_scored(
        own_data, small, tmp_path, name, score):
    if name == 'masks':
        for split in ('train', 'val'):
            shutil.copy(own_data / 'annotations.json',
                        own_data / f'annotations/{split}.json')
    work_dir = tmp_path / 'run'
    assert run_tool_forked('train', small(name), '--work-dir', work_dir,
                           '--cfg-options', 'train_cfg.val_interval=1') == 0
    assert (work_dir / f'best_livecell_{score}_AP_iter_1.pth').is_file()


def test_a_run_of_another_model_does_not_go_on(own_data, small, tmp_path,
                                               capfd):
    command = ('train', small('points'), '--work-dir', tmp_path / 'run',
               '--resume')
    assert run_tool_forked(*command) == 0
    before = (tmp_path / 'run/iter_1.pth').read_bytes()
    assert run_tool_forked(*command, '--cfg-options',
                           'model.backbone.num_levels=4') == 2
    assert 'iter_1.pth: is of another model' in capfd.readouterr().err
    assert (tmp_path / 'run/iter_1.pth').read_bytes() == before


def test_images_that_are_annotated_in_part(own_data, small, tmp_path, capfd):
    for name in ('train', 'val'):
        path = own_data / f'annotations/{name}.json'
        content = json.loads(path.read_text())
        content['images'][0]['complete'] = [[10, 10, 70.5, 60]]
        content['images'][1]['complete'] = False
        path.write_text(json.dumps(content))
    assert run_tool_forked(
        'train', small('points'), '--work-dir', tmp_path / 'run',
        '--cfg-options', 'train_cfg.val_interval=1') == 0
    out = capfd.readouterr().out
    assert out.count('1 of 2 images are left out') == 2
    assert '_01.tif' in out and 'best checkpoint' in out


def test_images_with_masks_beside_images_with_points(own_data, small,
                                                     tmp_path, capfd):
    """One image of each kind; a batch holds both."""
    points = own_data / 'annotations/train.json'
    for source, target, kept in (
            (own_data / 'annotations.json', 'train_masks.json', 0),
            (points, 'train.json', 1)):
        content = json.loads(source.read_text())
        image = content['images'][kept]
        content['images'] = [image]
        content['annotations'] = [
            cell for cell in content['annotations']
            if cell['image_id'] == image['id']
        ]
        (own_data / 'annotations' / target).write_text(json.dumps(content))
    assert run_tool_forked('train', small('mixed'), '--work-dir',
                           tmp_path / 'run', '--cfg-options',
                           'train_cfg.max_iters=2') == 0
    assert 'the median of 40 boxes' in capfd.readouterr().out
    assert (tmp_path / 'run/iter_2.pth').is_file()
