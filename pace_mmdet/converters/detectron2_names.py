"""What detectron2 and its ResNeSt fork call a parameter, and what we call it.

The names of theirs are those of their modules: facebookresearch/detectron2
and chongruo/detectron2-ResNeSt, ``modeling/``. A layer's parameters end in
``weight`` and ``bias``, those of its normalisation in ``norm.weight``,
``norm.running_mean`` and so on.
"""
import re
from typing import Callable, List, Optional, Tuple

# Buffers of theirs that are settings here: anchors (which are compared, see
# ``detectron2_weights``) and the normalisation of images; and the classifier
# of ImageNet models.
_NOT_NEEDED = re.compile(
    r'proposal_generator\.anchor_generator\.cell_anchors\.\d+'
    r'|pixel_(mean|std)'
    r'|(backbone\.bottom_up\.)?(linear|fc)\.(weight|bias)')

_PARAMETER = re.compile(
    r'(?P<layer>.+?)(?P<norm>\.norm)?\.'
    r'(?P<parameter>weight|bias|running_mean|running_var|num_batches_tracked)')


def _block(stage: str, index: str) -> str:
    """A residual block: their stages are res2 to res5, ours layer1 on."""
    return f'backbone.layer{int(stage) - 1}.{index}'


def _down(number: str) -> int:
    """Their names count from 1 where our lists count from 0."""
    return int(number) - 1


# Pattern of a layer's name; our layer; our layer of its normalisation.
_Rule = Tuple[str, Callable[..., str], Optional[Callable[..., str]]]
_RULES: List[_Rule] = [
    # ResNeSt's stem is three convolutions, each with norm and ReLU.
    (r'stem\.conv1_(\d)', lambda i: f'backbone.stem.{3 * _down(i)}',
     lambda i: f'backbone.stem.{3 * _down(i) + 1}'),
    (r'stem\.conv1', lambda: 'backbone.conv1', lambda: 'backbone.bn1'),
    (r'res(\d)\.(\d+)\.conv([123])', lambda s, b, i: f'{_block(s, b)}.conv{i}',
     lambda s, b, i: f'{_block(s, b)}.bn{i}'),
    # Split attention.
    (r'res(\d)\.(\d+)\.conv2\.(conv|bn0|fc1|bn1|fc2)',
     lambda s, b, part: f'{_block(s, b)}.conv2.{part}', None),
    # Beside the deformable convolution there, inside it here.
    (r'res(\d)\.(\d+)\.conv2_offset',
     lambda s, b: f'{_block(s, b)}.conv2.conv.conv_offset', None),
    (r'res(\d)\.(\d+)\.shortcut', lambda s, b: f'{_block(s, b)}.downsample.0',
     lambda s, b: f'{_block(s, b)}.downsample.1'),
    (r'backbone\.fpn_lateral(\d)',
     lambda k: f'neck.lateral_convs.{int(k) - 2}.conv',
     lambda k: f'neck.lateral_convs.{int(k) - 2}.bn'),
    (r'backbone\.fpn_output(\d)',
     lambda k: f'neck.fpn_convs.{int(k) - 2}.conv',
     lambda k: f'neck.fpn_convs.{int(k) - 2}.bn'),
    (r'proposal_generator\.rpn_head\.conv', lambda: 'rpn_head.rpn_conv', None),
    (r'proposal_generator\.rpn_head\.objectness_logits',
     lambda: 'rpn_head.rpn_cls', None),
    (r'proposal_generator\.rpn_head\.anchor_deltas',
     lambda: 'rpn_head.rpn_reg', None),
    # The stage's number is missing where there is no cascade.
    (r'roi_heads\.box_head(\.\d)?\.conv(\d)', lambda stage, i:
     f'roi_head.bbox_head{stage or ""}.shared_convs.{_down(i)}.conv',
     lambda stage, i:
     f'roi_head.bbox_head{stage or ""}.shared_convs.{_down(i)}.bn'),
    (r'roi_heads\.box_head(\.\d)?\.fc(\d)', lambda stage, i:
     f'roi_head.bbox_head{stage or ""}.shared_fcs.{_down(i)}', None),
    (r'roi_heads\.box_predictor(\.\d)?\.cls_score',
     lambda stage: f'roi_head.bbox_head{stage or ""}.fc_cls', None),
    (r'roi_heads\.box_predictor(\.\d)?\.bbox_pred',
     lambda stage: f'roi_head.bbox_head{stage or ""}.fc_reg', None),
    (r'roi_heads\.mask_head\.mask_fcn(\d)',
     lambda i: f'roi_head.mask_head.convs.{_down(i)}.conv',
     lambda i: f'roi_head.mask_head.convs.{_down(i)}.bn'),
    (r'roi_heads\.mask_head\.deconv', lambda: 'roi_head.mask_head.upsample',
     None),
    (r'roi_heads\.mask_head\.predictor',
     lambda: 'roi_head.mask_head.conv_logits', None),
]


def is_not_needed(name: str) -> bool:
    """Whether a tensor of theirs has no counterpart here, and needs none."""
    return _NOT_NEEDED.fullmatch(name) is not None


def our_name(name: str, pooled_shortcuts: bool = False) -> Optional[str]:
    """Our name of a parameter of theirs.

    Args:
        name (str): Theirs; a backbone alone may lack the prefix
            ``backbone.bottom_up.``.
        pooled_shortcuts (bool): Whether our shortcuts begin with average
            pooling, as ResNeSt's, which shifts their numbers by one.

    Returns:
        str | None: Ours, None if no rule covers it.
    """
    found = _PARAMETER.fullmatch(name)
    if found is None:
        return None
    layer = found['layer'].removeprefix('backbone.bottom_up.')
    for pattern, of_layer, of_norm in _RULES:
        match = re.fullmatch(pattern, layer)
        rename = of_norm if found['norm'] else of_layer
        if match is None or rename is None:
            continue
        ours = rename(*match.groups())
        if pooled_shortcuts:
            ours = re.sub(r'(?<=\.downsample\.)[01]$',
                          lambda number: str(int(number[0]) + 1), ours)
        return f'{ours}.{found["parameter"]}'
    return None
