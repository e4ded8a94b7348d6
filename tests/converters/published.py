"""Checkpoints as detectron2's ResNeSt fork writes them, made from seeds.

Names and shapes follow the published description of the network, not our
converter. That they are right was tried once: the fork's own model (commit
54ec876, config of LIVECell's anchor-based model) loads the full-size weights
with ``strict=True``.
"""
import zlib
from typing import Dict, Sequence

import numpy as np
import torch
from torch import Tensor

BACKBONE = 'backbone.bottom_up.'
# Blocks per stage of ResNeSt-200.
R200 = (3, 24, 36, 3)
LIVECELL_SIZES = (4, 9, 17, 31, 64, 127)
LIVECELL_RATIOS = (0.25, 0.5, 1.0, 2.0, 4.0)


def published_shapes(blocks: Sequence[int] = R200,
                     dcn: Sequence[bool] = (False, True, True, True),
                     width: int = 64,
                     channels: int = 256,
                     fc: int = 1024,
                     anchors: int = 5,
                     classes: int = 1,
                     box_convs: int = 4,
                     mask_convs: int = 8) -> Dict[str, tuple]:
    """Names and shapes of a Cascade Mask R-CNN with ResNeSt.

    Args:
        blocks (sequence[int]): Blocks of each stage.
        dcn (sequence[bool]): Whether a stage has deformable convolution.
        width (int): Channels of the bottlenecks of the first stage, and of
            the stem's first two convolutions.
        channels (int): Of the feature pyramid and the heads.
        fc (int): Outputs of the box heads' fully connected layer.
        anchors (int): Per position.
        classes (int): Without background.
        box_convs (int): Convolutions of each box head.
        mask_convs (int): Convolutions of the mask head.
    """
    shapes: Dict[str, tuple] = {}

    def conv(name, out, into, kernel=3, norm='.norm', bias=False):
        shapes[f'{name}.weight'] = (out, into, kernel, kernel)
        if bias:
            shapes[f'{name}.bias'] = (out, )
        if norm:
            norm_of(name + norm, out)

    def norm_of(name, size):
        for part in ('weight', 'bias', 'running_mean', 'running_var'):
            shapes[f'{name}.{part}'] = (size, )
        shapes[f'{name}.num_batches_tracked'] = ()

    def linear(name, out, into):
        shapes[f'{name}.weight'] = (out, into)
        shapes[f'{name}.bias'] = (out, )

    conv(f'{BACKBONE}stem.conv1_1', width, 3)
    conv(f'{BACKBONE}stem.conv1_2', width, width)
    conv(f'{BACKBONE}stem.conv1_3', 2 * width, width)
    into, inner = 2 * width, width
    for stage, (count, deformable) in enumerate(zip(blocks, dcn), 2):
        for index in range(count):
            block = f'{BACKBONE}res{stage}.{index}'
            if index == 0:
                conv(f'{block}.shortcut', 4 * inner, into, 1)
            conv(f'{block}.conv1', inner, into, 1)
            if deformable:
                # Grouped: each half of the offsets sees half of the input.
                conv(f'{block}.conv2_offset', 2 * 27, inner // 2, norm='',
                     bias=True)
            # Two cardinal-by-radix groups.
            conv(f'{block}.conv2.conv', 2 * inner, inner // 2, norm='')
            norm_of(f'{block}.conv2.bn0', 2 * inner)
            reduced = max(inner // 2, 32)
            conv(f'{block}.conv2.fc1', reduced, inner, 1, norm='', bias=True)
            norm_of(f'{block}.conv2.bn1', reduced)
            conv(f'{block}.conv2.fc2', 2 * inner, reduced, 1, norm='',
                 bias=True)
            conv(f'{block}.conv3', 4 * inner, inner, 1)
            into = 4 * inner
        conv(f'backbone.fpn_lateral{stage}', channels, into, 1)
        conv(f'backbone.fpn_output{stage}', channels, channels)
        inner *= 2

    rpn = 'proposal_generator.rpn_head'
    conv(f'{rpn}.conv', channels, channels, norm='', bias=True)
    conv(f'{rpn}.objectness_logits', anchors, channels, 1, '', True)
    conv(f'{rpn}.anchor_deltas', 4 * anchors, channels, 1, '', True)
    for stage in range(3):
        head = f'roi_heads.box_head.{stage}'
        for index in range(box_convs):
            conv(f'{head}.conv{index + 1}', channels, channels)
        linear(f'{head}.fc1', fc, channels * 7 * 7)
        predictor = f'roi_heads.box_predictor.{stage}'
        linear(f'{predictor}.cls_score', classes + 1, fc)
        linear(f'{predictor}.bbox_pred', 4, fc)
    head = 'roi_heads.mask_head'
    for index in range(mask_convs):
        conv(f'{head}.mask_fcn{index + 1}', channels, channels)
    conv(f'{head}.deconv', channels, channels, 2, '', True)
    conv(f'{head}.predictor', classes, channels, 1, '', True)
    return shapes


# Factor on the weights of some layers: residual branches that add little,
# and predictions that are neither all alike nor all certain.
_GAINS = {
    'conv3.norm.weight': 0.05,
    'conv2_offset.weight': 0.3,
    'objectness_logits.weight': 0.5,
    'anchor_deltas.weight': 0.03,
    'cls_score.weight': 4.0,
    'bbox_pred.weight': 0.7,
    'predictor.weight': 2.0,
}


def seeded_weights(shapes: Dict[str, tuple],
                   seed: int = 0) -> Dict[str, Tensor]:
    """Random float32 weights with which deep networks stay in bounds.

    A tensor's values follow from its name and the seed alone.
    """
    weights = {}
    for name, shape in shapes.items():
        # RandomState's numbers are the same in all versions of NumPy.
        random = np.random.RandomState(zlib.crc32(f'{name}{seed}'.encode()))
        if name.endswith('num_batches_tracked'):
            weights[name] = torch.tensor(30000)
            continue
        values = random.random_sample(shape).astype(np.float32) * 2 - 1
        if name.endswith('running_var'):
            values = 1 + 0.4 * values
        elif len(shape) > 1:
            values *= np.sqrt(6 / np.prod(shape[1:]))
        elif name.endswith('.weight'):
            values = 1 + 0.3 * values
        else:
            values *= 0.2
        for ending, gain in _GAINS.items():
            if name.endswith(ending):
                values *= gain
        weights[name] = torch.from_numpy(np.asarray(values, np.float32))
    return weights


def cell_anchors(sizes: Sequence[float] = LIVECELL_SIZES,
                 ratios: Sequence[float] = LIVECELL_RATIOS
                 ) -> Dict[str, Tensor]:
    """The anchor buffers that detectron2 saves with its models.

    Boxes (x1, y1, x2, y2) around the origin, of area size² and height /
    width ratio; shape (ratios, 4) per level.
    """
    buffers = {}
    for level, size in enumerate(sizes):
        widths = size / torch.tensor(ratios).sqrt()
        heights = size * torch.tensor(ratios).sqrt()
        boxes = torch.stack([-widths, -heights, widths, heights], dim=1) / 2
        buffers['proposal_generator.anchor_generator.cell_anchors.'
                f'{level}'] = boxes
    return buffers


def mask_rcnn_shapes(anchors: int = 3, classes: int = 80) -> Dict[str, tuple]:
    """Names and shapes of detectron2's ``mask_rcnn_R_50_FPN_3x``.

    Its normalisation is frozen: no batches are counted.
    """
    shapes: Dict[str, tuple] = {}

    def conv(name, out, into, kernel=3, norm=False):
        shapes[f'{name}.weight'] = (out, into, kernel, kernel)
        parts = ('norm.weight', 'norm.bias', 'norm.running_mean',
                 'norm.running_var') if norm else ('bias', )
        shapes.update({f'{name}.{part}': (out, ) for part in parts})

    def linear(name, out, into):
        shapes[f'{name}.weight'] = (out, into)
        shapes[f'{name}.bias'] = (out, )

    conv(f'{BACKBONE}stem.conv1', 64, 3, 7, norm=True)
    into, inner = 64, 64
    for stage, count in enumerate((3, 4, 6, 3), 2):
        for index in range(count):
            block = f'{BACKBONE}res{stage}.{index}'
            if index == 0:
                conv(f'{block}.shortcut', 4 * inner, into, 1, norm=True)
            conv(f'{block}.conv1', inner, into, 1, norm=True)
            conv(f'{block}.conv2', inner, inner, norm=True)
            conv(f'{block}.conv3', 4 * inner, inner, 1, norm=True)
            into = 4 * inner
        conv(f'backbone.fpn_lateral{stage}', 256, into, 1)
        conv(f'backbone.fpn_output{stage}', 256, 256)
        inner *= 2
    rpn = 'proposal_generator.rpn_head'
    conv(f'{rpn}.conv', 256, 256)
    conv(f'{rpn}.objectness_logits', anchors, 256, 1)
    conv(f'{rpn}.anchor_deltas', 4 * anchors, 256, 1)
    linear('roi_heads.box_head.fc1', 1024, 256 * 7 * 7)
    linear('roi_heads.box_head.fc2', 1024, 1024)
    linear('roi_heads.box_predictor.cls_score', classes + 1, 1024)
    linear('roi_heads.box_predictor.bbox_pred', 4 * classes, 1024)
    for index in range(1, 5):
        conv(f'roi_heads.mask_head.mask_fcn{index}', 256, 256)
    conv('roi_heads.mask_head.deconv', 256, 256, 2)
    conv('roi_heads.mask_head.predictor', classes, 256, 1)
    return shapes
