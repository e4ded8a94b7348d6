"""What MMCV's own layers get from the stand-in for its compiled operators."""
import subprocess
import sys
from pathlib import Path

import mmcv.ops
import pytest
import torch
from mmcv.ops.roi_align import RoIAlignFunction

from pace_mmdet.errors import UserError
from pace_mmdet.ops import mmcv_ext
from pace_mmdet.ops.deform_conv import modulated_deform_conv2d
from pace_mmdet.ops.nms import nms
from pace_mmdet.ops.roi_align import roi_align

from . import record


@pytest.mark.parametrize('compiled', [False, True])
def test_a_compiled_one_is_left_alone(tmp_path, compiled):
    """With a package of MMCV's name in its place."""
    package = tmp_path / 'mmcv'
    package.mkdir()
    (package / '__init__.py').touch()
    theirs = package / '_ext.py'
    if compiled:
        theirs.touch()
    path = [str(tmp_path), str(Path(__file__).parents[2])]
    code = (f'import sys; sys.path[:0] = {path}; import pace_mmdet, mmcv._ext;'
            'print(mmcv._ext.__file__)')
    found = subprocess.run([sys.executable, '-c', code], cwd=tmp_path,
                           capture_output=True, text=True, check=True).stdout
    assert found.strip() == str(theirs if compiled else mmcv_ext.__file__)


@pytest.fixture
def stand_in(monkeypatch):
    """MMCV's modules of the three operators on ours, compiled or not."""
    for name in ('nms', 'roi_align', 'modulated_deform_conv'):
        module = __import__(f'mmcv.ops.{name}', fromlist=['ext_module'])
        monkeypatch.setattr(module, 'ext_module', mmcv_ext)


def _compare(found, recorded):
    assert set(found) == set(recorded)
    for name, numbers in recorded.items():
        torch.testing.assert_close(
            torch.tensor(found[name]), torch.tensor(numbers), rtol=1e-5,
            atol=2e-6, msg=lambda text: f'{name}: {text}')


def test_our_functions_give_what_a_compiled_mmcv_gave(recorded):
    """Gradients where positions are whole numbers included."""
    _compare(record.record(
        lambda boxes, scores, *rest: (None, nms(boxes, scores, *rest)),
        lambda *args: roi_align(*args[:5], args[-1]),
        modulated_deform_conv2d), recorded)


def test_so_do_layers_of_mmcv(recorded, stand_in):
    _compare(record.record(
        mmcv.ops.nms, RoIAlignFunction.apply,
        mmcv.ops.modulated_deform_conv2d), recorded)


def test_layers_with_settings(stand_in):
    x = record.wave(2, 4, 6, 7).requires_grad_()
    layer = mmcv.ops.RoIAlign(2, spatial_scale=0.1)
    torch.testing.assert_close(
        layer(x, record.rois()), roi_align(x, record.rois(), 2, 0.1))
    layer = mmcv.ops.ModulatedDeformConv2dPack(
        4, 4, (3, 1), padding=(1, 0), stride=(1, 2), dilation=(2, 1))
    out = layer(x)
    # Offsets begin at zero, and factors at a half.
    plain = torch.nn.functional.conv2d(
        x, layer.weight / 2, layer.bias, (1, 2), (1, 0), (2, 1))
    torch.testing.assert_close(out, plain)
    out.sum().backward()
    assert all(p.grad is not None for p in layer.parameters())


@pytest.mark.parametrize('agnostic, kept', [(False, [1, 0, 3]),
                                            (True, [1, 3])])
def test_batched_nms(stand_in, agnostic, kept):
    boxes = torch.tensor([[0., 0, 4, 4], [0, 0, 4, 5], [0, 0, 5, 4],
                          [9, 9, 12, 12]])
    found, indices = mmcv.ops.batched_nms(
        boxes, torch.tensor([0.8, 0.9, 0.1, 0.2]), torch.tensor([1, 0, 0, 0]),
        dict(type='nms', iou_threshold=0.5), agnostic)
    assert indices.tolist() == kept
    assert torch.equal(found[:, :4], boxes[kept])


@pytest.mark.parametrize('call', [
    lambda: mmcv.ops.soft_nms(torch.rand(3, 4), torch.rand(3)),
    lambda: mmcv.ops.RoIAlign(2, pool_mode='max')(
        torch.rand(1, 2, 4, 4), torch.tensor([[0, 0, 0, 2, 2.]])),
    lambda: mmcv_ext.sigmoid_focal_loss_forward(torch.rand(3), gamma=2)])
def test_all_others_say_what_would_provide_them(stand_in, call):
    with pytest.raises(UserError, match='compiled MMCV has it'):
        call()


def test_versions_for_reports():
    assert 'not compiled' in mmcv_ext.get_compiler_version()
    assert 'not compiled' in mmcv_ext.get_compiling_cuda_version()
