"""From detectron2's weights to those of a model of ours.

Pure functions over dictionaries of tensors. What differs beside the names:

- The convolution that predicts the offsets of a deformable convolution is
  grouped in the ResNeSt fork and dense in MMCV; the dense one with zeros
  between the groups computes the same.
- Box deltas are divided by weights there and multiplied by standard
  deviations here; where these are not each other's inverse, the layer that
  predicts the deltas is rescaled.
- Classes are in the same order, background last, in both.
"""
import re
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Optional, Set

import numpy as np
import torch
from torch import Tensor, nn

from pace_mmdet.errors import UserError

from .detectron2_names import is_not_needed, our_name

# detectron2's defaults: MODEL.RPN.BBOX_REG_WEIGHTS, ROI_BOX_HEAD and
# ROI_BOX_CASCADE_HEAD.
_RPN_WEIGHTS = (1.0, 1.0, 1.0, 1.0)
_BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
_CASCADE_WEIGHTS = ((10.0, 10.0, 5.0, 5.0), (20.0, 20.0, 10.0, 10.0),
                    (30.0, 30.0, 15.0, 15.0))

_RPN_PREDICTIONS = ('rpn_head.rpn_cls', 'rpn_head.rpn_reg')
# Layers with an output per class or anchor.
_PREDICTION = re.compile(r'(rpn_head\.rpn_(cls|reg)'
                         r'|roi_head\.bbox_head(\.\d+)?\.fc_(cls|reg)'
                         r'|roi_head\.mask_head\.conv_logits)\.(weight|bias)')


class WeightsMismatch(UserError):
    """The weights are of another model; the message lists how."""


@dataclass
class Conversion:
    """Weights of ours, and what became of theirs.

    Args:
        state_dict (dict[str, Tensor]): By our names.
        used (list[str]): Their names of what is in it.
        not_needed (list[str]): Their names of what is not.
        new (list[str]): Our parameters that theirs do not hold: a new
            model's, to be trained.
    """
    state_dict: Dict[str, Tensor] = field(default_factory=dict)
    used: List[str] = field(default_factory=list)
    not_needed: List[str] = field(default_factory=list)
    new: List[str] = field(default_factory=list)


def convert_weights(published: Mapping[str, Tensor],
                    model: nn.Module) -> Conversion:
    """Rename and reshape weights so that a model of ours loads them.

    A layer that predicts for another number of classes or for other anchors
    stays new, and so do the parts beyond the backbone and the offsets of
    deformable convolutions, if the weights are those of a backbone trained
    on ImageNet. Nothing else may be missing, left over or of another shape.

    Args:
        published (mapping[str, Tensor]): By detectron2's names.
        model (nn.Module): A detector of ours: its names and shapes, anchors
            and box coders are what the weights are fitted to. It is not
            changed.

    Returns:
        Conversion: The weights and what became of them.

    Raises:
        WeightsMismatch: Lists the tensors that do not fit.
    """
    wanted = model.state_dict()
    pooled = any('.downsample.2.' in name for name in wanted)
    names = {
        name: our_name(name, pooled)
        for name in published if not is_not_needed(name)
    }
    found = {ours: theirs for theirs, ours in names.items()}
    new = _new_predictions(published, found, wanted, model)
    result = Conversion(
        not_needed=[name for name in published if is_not_needed(name)])
    faults = []
    for theirs, ours in names.items():
        what = f'{theirs} {tuple(published[theirs].shape)}'
        if ours is None:
            faults.append(f'{what}: no layer here is like it')
        elif ours not in wanted:
            faults.append(f'{what}: the config has no {ours}')
        elif ours.rpartition('.')[0] in new:
            result.not_needed.append(theirs)
        else:
            like = wanted[ours]
            fitted = fit(ours, published[theirs], like.shape)
            if fitted is None:
                faults.append(f'{what}: the config\'s {ours} is '
                              f'{tuple(like.shape)}')
            else:
                result.state_dict[ours] = fitted.to(like.dtype)
                result.used.append(theirs)
    faults += _fill_up(result, found, wanted, new)
    if faults:
        raise WeightsMismatch(_list_faults(faults))
    _rescale_deltas(result.state_dict, model)
    return result


def fit(name: str, value: Tensor, shape: torch.Size) -> Optional[Tensor]:
    """A tensor of theirs in our shape, None if it does not fit.

    Args:
        name (str): Ours.
        value (Tensor): Theirs.
        shape (torch.Size): Ours.
    """
    if name.endswith('.conv_offset.weight') and value.dim() == 4 and \
            value.shape[1] and shape[1] % value.shape[1] == 0:
        value = ungroup(value, shape[1] // value.shape[1])
    return value if value is not None and value.shape == shape else None


def ungroup(weight: Tensor, groups: int) -> Optional[Tensor]:
    """The weight of a dense convolution that computes what a grouped one does.

    Args:
        weight (Tensor): Of the grouped one, shape (O, I / groups, h, w).
        groups (int): Number of groups.

    Returns:
        Tensor | None: Shape (O, I, h, w), zeros between the groups; None if
        the groups do not divide the outputs.
    """
    outputs, inputs = weight.shape[:2]
    if outputs % groups:
        return None
    per_group = outputs // groups
    dense = weight.new_zeros(outputs, inputs * groups, *weight.shape[2:])
    for group in range(groups):
        rows = slice(group * per_group, (group + 1) * per_group)
        dense[rows, group * inputs:(group + 1) * inputs] = weight[rows]
    return dense


def _new_predictions(published: Mapping[str, Tensor], found: Dict[str, str],
                     wanted: Mapping[str, Tensor],
                     model: nn.Module) -> Set[str]:
    """Our prediction layers whose outputs mean something else there."""
    new = set()
    for ours, theirs in found.items():
        if ours in wanted and _PREDICTION.fullmatch(ours):
            theirs_shape, shape = published[theirs].shape, wanted[ours].shape
            if theirs_shape[:1] != shape[:1] and \
                    theirs_shape[1:] == shape[1:]:
                new.add(ours.rpartition('.')[0])
    if not new.isdisjoint(_RPN_PREDICTIONS) or not _same_anchors(
            published, model):
        new.update(_RPN_PREDICTIONS)
    return new


def _same_anchors(published: Mapping[str, Tensor], model: nn.Module) -> bool:
    """Whether the anchors are ours, so far as the weights state them."""
    prefix = 'proposal_generator.anchor_generator.cell_anchors.'
    levels = sorted((int(name.removeprefix(prefix)), anchors)
                    for name, anchors in published.items()
                    if name.startswith(prefix))
    if not levels or not hasattr(model, 'rpn_head'):
        return True
    ours = model.rpn_head.prior_generator.base_anchors
    return len(ours) == len(levels) and all(
        anchors.shape == base.shape and torch.allclose(
            anchors.float(), base.float(), rtol=1e-4, atol=1e-3)
        for (_, anchors), base in zip(levels, ours))


def _fill_up(result: Conversion, found: Dict[str, str],
             wanted: Mapping[str, Tensor], new: Set[str]) -> List[str]:
    """Account for our parameters that have no counterpart; gives faults."""
    backbone_only = all(
        ours is None or ours.startswith('backbone.') for ours in found)
    offsets = any('.conv_offset.' in ours for ours in found if ours)
    faults = []
    for ours in wanted:
        layer = ours.rpartition('.')[0]
        if ours in found and layer not in new:
            continue
        if ours.endswith('.num_batches_tracked') and \
                f'{layer}.running_mean' in found:
            # A frozen normalisation does not count. Ours has no use for it.
            result.state_dict[ours] = torch.zeros_like(wanted[ours])
        elif layer in new or backbone_only and (
                not ours.startswith('backbone.') or
                not offsets and '.conv_offset.' in ours):
            result.new.append(ours)
        else:
            faults.append(f'{ours} {tuple(wanted[ours].shape)}: not in the '
                          'checkpoint')
    return faults


def _rescale_deltas(state_dict: Dict[str, Tensor], model: nn.Module) -> None:
    """Fit the layers that predict box deltas to our coders, in place."""
    coders = {}
    if hasattr(model, 'rpn_head'):
        coders['rpn_head.rpn_reg'] = (model.rpn_head.bbox_coder, _RPN_WEIGHTS)
    heads = getattr(getattr(model, 'roi_head', None), 'bbox_head', None)
    if isinstance(heads, nn.ModuleList):
        for stage, (head, weights) in enumerate(zip(heads, _CASCADE_WEIGHTS)):
            coders[f'roi_head.bbox_head.{stage}.fc_reg'] = (head.bbox_coder,
                                                            weights)
    elif heads is not None:
        coders['roi_head.bbox_head.fc_reg'] = (heads.bbox_coder, _BOX_WEIGHTS)
    for layer, (coder, weights) in coders.items():
        if f'{layer}.weight' not in state_dict:
            continue
        if any(coder.means):
            raise WeightsMismatch(f'{layer}: detectron2 knows no target_means '
                                  f'other than 0, the config has '
                                  f'{tuple(coder.means)}')
        factors = 1 / (np.array(coder.stds) * np.array(weights))
        if np.allclose(factors, 1):
            continue
        for part in ('weight', 'bias'):
            value = state_dict[f'{layer}.{part}']
            rows = value.new_tensor(factors).repeat(len(value) // 4)
            state_dict[f'{layer}.{part}'] = value * rows.view(
                -1, *[1] * (value.dim() - 1))


def _list_faults(faults: List[str], most: int = 8) -> str:
    lines = [f'{len(faults)} tensors do not fit:']
    lines += [f'  - {fault}' for fault in faults[:most]]
    if len(faults) > most:
        lines.append(f'  ... and {len(faults) - most} more')
    return '\n'.join(lines)
