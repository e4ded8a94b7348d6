"""The visualizer under the hooks and backends of MMDetection."""
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmdet.engine.hooks import DetVisualizationHook
from mmdet.registry import HOOKS
from mmengine.structures import InstanceData

from pace_mmdet.visualization import PointLocalVisualizer
from pace_mmdet.visualization.samples import shown_image


@pytest.fixture
def validation(tmp_path, make_cells, make_sample, monkeypatch):
    """A runner, a batch and predictions for an image of 40 x 60 pixels.

    The network's input is the image at twice its size, padded.
    """
    cells = make_cells(6, 40, 60)
    sample = make_sample(cells, cells.points, cells.codes)
    path = tmp_path / 'image.png'
    cv2.imwrite(str(path), np.zeros((40, 60), np.uint8))
    sample.set_metainfo(
        dict(img_path=str(path), ori_shape=(40, 60), img_shape=(80, 120)))
    inputs = torch.zeros(3, 96, 128)
    inputs[:, :80, :120] = torch.from_numpy(
        cells.image.repeat(2, 0).repeat(2, 1).astype(np.float32))
    monkeypatch.setattr(PointLocalVisualizer, '_instance_dict',
                        type(PointLocalVisualizer._instance_dict)())
    return SimpleNamespace(
        runner=SimpleNamespace(
            iter=0, work_dir=str(tmp_path), timestamp='now'),
        batch=dict(inputs=[inputs]),
        outputs=[sample],
        image=cells.image)


def visualizer(tmp_path, backend):
    return PointLocalVisualizer.get_instance(
        'visualizer',
        vis_backends=[dict(type=backend)],
        save_dir=str(tmp_path))


def test_stock_hook_draws_to_the_local_backend(tmp_path, validation,
                                               monkeypatch):
    built = visualizer(tmp_path, 'LocalVisBackend')
    monkeypatch.setattr(
        'mmdet.engine.hooks.visualization_hook.Visualizer.'
        'get_current_instance', lambda: built)
    hook = DetVisualizationHook(draw=True)
    hook.after_val_iter(validation.runner, 0, validation.batch,
                        validation.outputs)
    picture = tmp_path / 'vis_data/vis_image/val_img_0.png'
    assert cv2.imread(str(picture)).shape == (40 * 8, 2 * 60 * 8, 3)


@pytest.fixture
def hook(tmp_path, validation, monkeypatch):
    built = visualizer(tmp_path, 'LocalVisBackend')
    monkeypatch.setattr(
        'mmdet.engine.hooks.visualization_hook.Visualizer.'
        'get_current_instance', lambda: built)
    return lambda **kwargs: HOOKS.build(
        dict(type='CellVisualizationHook', draw=True, **kwargs))


def test_our_hook_shows_the_networks_image(hook, validation, tmp_path):
    hook().after_val_iter(validation.runner, 0, validation.batch,
                          validation.outputs)
    picture = cv2.imread(str(tmp_path / 'vis_data/vis_image/val_img_0.png'))
    assert picture.shape == (40 * 8, 2 * 60 * 8, 3)
    # The file is black; the background of the network's image is not.
    assert abs(np.median(picture) - np.median(validation.image)) < 20


def test_prediction_alone_where_no_truth_is_loaded(hook, validation, tmp_path):
    for index, truth in enumerate((InstanceData(), None)):
        del validation.outputs[0].gt_instances
        if truth is not None:
            validation.outputs[0].gt_instances = truth
        hook(interval=1).after_val_iter(validation.runner, index,
                                        validation.batch, validation.outputs)
        picture = cv2.imread(
            str(tmp_path / f'vis_data/vis_image/val_img_{index}.png'))
        assert picture.shape == (40 * 8, 60 * 8, 3)


def test_our_hook_keeps_to_interval_and_draw(hook, validation, tmp_path):
    hook(interval=2).after_val_iter(validation.runner, 1, validation.batch,
                                    validation.outputs)
    quiet = hook()
    quiet.draw = False
    quiet.after_val_iter(validation.runner, 0, validation.batch,
                         validation.outputs)
    quiet.after_test_iter(validation.runner, 0, validation.batch,
                          validation.outputs)
    assert not (tmp_path / 'vis_data/vis_image').exists()


def test_test_pictures_of_the_same_name_stand_beside_each_other(
        hook, validation, tmp_path):
    built = hook(test_out_dir='pictures')
    for index in range(2):
        built.after_test_iter(validation.runner, index, validation.batch,
                              validation.outputs)
    names = sorted(path.name for path in (tmp_path / 'now/pictures').iterdir())
    assert names == ['00001_image.png', '00002_image.png']


def test_tensorboard_gets_the_picture(tmp_path, validation):
    pytest.importorskip('tensorboard', reason='not installed')
    built = visualizer(tmp_path, 'TensorboardVisBackend')
    built.add_datasample('val_img', validation.image, validation.outputs[0])
    built.close()
    events = list((tmp_path / 'vis_data').glob('events*'))
    assert len(events) == 1 and events[0].stat().st_size > 1000


@pytest.mark.parametrize('channels', [1, 3])
def test_shown_image_undoes_packing(channels):
    inputs = torch.zeros(channels, 6, 8)
    inputs[0, :4, :6] = 300.  # beyond white, as after a colour jitter
    image = shown_image(inputs, (4, 6, 3), (2, 3))
    assert image.shape == (2, 3, 3) and image.dtype == np.uint8
    blue = (255, 255, 255) if channels == 1 else (0, 0, 255)
    assert (image == blue).all()
    assert shown_image(inputs).shape == (6, 8, 3)
