"""Few parameter groups for the optimizer."""
from typing import Any, Dict, List

from mmdet.registry import OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MergedOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """:class:`DefaultOptimWrapperConstructor` with one group per setting.

    With ``paramwise_cfg`` the parent makes a group of every parameter. An
    optimizer updates group by group, and on a GPU starts kernels for each:
    with ResNeSt-200 that is a good part of a step. Here parameters with the
    same settings share a group; what they are trained with is the same.
    """

    def add_params(self,
                   params: List[dict],
                   module: nn.Module,
                   prefix: str = '',
                   *args,
                   **kwargs) -> None:
        """Add the groups of a module; merge them once all are there.

        Args:
            params (list[dict]): Groups, added to in place.
            module (nn.Module): Whose parameters are added.
            prefix (str): Its name; empty for the whole model, for which the
                parent calls this method first.
        """
        super().add_params(params, module, prefix, *args, **kwargs)
        if prefix == '':
            params[:] = merge_groups(params)


def merge_groups(groups: List[dict]) -> List[dict]:
    """Join groups with the same settings, in the order of first sight.

    Args:
        groups (list[dict]): Each with ``params``, a list, and settings.

    Returns:
        list[dict]: Groups whose settings differ.
    """
    merged: Dict[Any, dict] = {}
    for group in groups:
        settings = {k: v for k, v in group.items() if k != 'params'}
        key = tuple(sorted(settings.items()))
        merged.setdefault(key, dict(settings, params=[]))['params'].extend(
            group['params'])
    return list(merged.values())
