"""Numbers of a compiled MMCV, for the tests to compare with.

Run where MMCV has its compiled operators, from the project's root:
``python -m tests.ops.record``. It writes mmcv_numbers.json beside itself.
"""
import json
from pathlib import Path

import torch

PATH = Path(__file__).with_name('mmcv_numbers.json')


def wave(*shape, step=1.0):
    """Numbers between -1 and 1 that are the same everywhere, float32."""
    count = torch.Size(shape).numel()
    return torch.sin(torch.arange(count).double() * step).float().view(shape)


def boxes(count, size=60.):
    """Corners of overlapping boxes in an image of this size, (count, 4)."""
    centres = (wave(count, 2, step=1.7) + 1) * size / 2
    sides = 8 + (wave(count, 2, step=2.3) + 1) * 8
    return torch.cat([centres - sides / 2, centres + sides / 2], 1)


def rois():
    """Of two images of 60 x 60 pixels, some beyond their borders."""
    return torch.cat([torch.arange(6.)[:, None] % 2, boxes(6)], 1)


def record(nms, roi_align, deform_conv):
    """Results of the three operators, given as functions of MMCV's names.

    Returns:
        dict: Lists of numbers by name.
    """
    found = {}
    for threshold in (0.3, 0.5, 0.7):
        for offset in (0, 1):
            _, kept = nms(boxes(60), wave(60, step=0.7), threshold, offset)
            found[f'nms {threshold} {offset}'] = kept
    for ratio, aligned in ((0, True), (2, True), (0, False)):
        features = wave(2, 2, 6, 7).requires_grad_()
        out = roi_align(features, rois(), (2, 3), 0.1, ratio, 'avg', aligned)
        grad, = torch.autograd.grad(out, features, wave(*out.shape, step=3.1))
        found[f'roi_align {ratio} {aligned}'] = out
        found[f'roi_align {ratio} {aligned} gradient'] = grad
    for groups, deform_groups in ((1, 1), (2, 2), (1, 2)):
        # Some offsets are whole numbers, some lead exactly to the border.
        offset = wave(2, 18 * deform_groups, 3, 3, step=1.3) * 2
        offset[:, ::3] = offset[:, ::3].round()
        inputs = [
            tensor.requires_grad_() for tensor in (
                wave(2, 4, 5, 6), offset,
                wave(2, 9 * deform_groups, 3, 3, step=0.9),
                wave(4, 4 // groups, 3, 3, step=0.3), wave(4))
        ]
        out = deform_conv(*inputs, 2, 1, 1, groups, deform_groups)
        grads = torch.autograd.grad(out, inputs, wave(*out.shape, step=3.1))
        name = f'deform_conv {groups} {deform_groups}'
        found[name] = out
        for what, grad in zip(('input', 'offset', 'mask', 'weight', 'bias'),
                              grads):
            found[f'{name} gradient of {what}'] = grad
    return {name: value.tolist() for name, value in found.items()}


def main():
    import mmcv._ext
    from mmcv.ops import modulated_deform_conv2d, nms
    from mmcv.ops.roi_align import roi_align
    if mmcv._ext.__file__.endswith('.py'):
        raise SystemExit('no compiled MMCV here')
    numbers = record(nms, roi_align, modulated_deform_conv2d)
    PATH.write_text('{\n' + ',\n'.join(
        f'"{name}": {json.dumps(rounded(value), separators=(",", ":"))}'
        for name, value in numbers.items()) + '\n}\n')


def rounded(value):
    """Float32's digits, no more."""
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return value if isinstance(value, int) else float(f'{value:.7g}')


if __name__ == '__main__':
    main()
