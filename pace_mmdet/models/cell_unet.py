"""A small U-Net whose one output is fine: for cells, learned from scratch."""
from typing import Tuple

import torch
from mmcv.cnn import ConvModule
from mmdet.registry import MODELS
from mmdet.utils import ConfigType, OptMultiConfig
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F


class ResidualBlock(BaseModule):
    """Two 3 x 3 convolutions and a way past them.

    Args:
        in_channels (int): Channels of the input.
        out_channels (int): Channels of the output.
        stride (int): Of the first convolution, and of the way past.
        norm_cfg (dict): Normalisation of all convolutions.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int,
                 norm_cfg: ConfigType) -> None:
        super().__init__()
        self.conv1 = ConvModule(in_channels, out_channels, 3, stride, 1,
                                norm_cfg=norm_cfg)
        self.conv2 = ConvModule(out_channels, out_channels, 3, 1, 1,
                                norm_cfg=norm_cfg, act_cfg=None)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = ConvModule(in_channels, out_channels, 1, stride,
                                       norm_cfg=norm_cfg, act_cfg=None)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H / stride, W / stride)."""
        return F.relu(self.conv2(self.conv1(x)) + self.shortcut(x))


@MODELS.register_module()
class CellUNet(BaseModule):
    """A residual U-Net that begins at stride 2 and comes back to it.

    Ronneberger et al., "U-Net", 2015; sums instead of concatenations, as in
    Cellpose. Full resolution is left out: at the scale that the heads expect,
    where a cell is some 36 pixels long, it costs four times as much and a
    cell's outline is smooth at stride 2.

    Args:
        in_channels (int): Channels of the image.
        base_channels (int): Channels at stride 2. They double with each
            stride, up to eight times as many.
        num_levels (int): How many strides: 2, 4, 8 and so on.
        norm_cfg (dict): Normalisation.
        init_cfg (dict, optional): As of all modules of MMEngine.
    """

    def __init__(self,
                 in_channels: int = 3,
                 base_channels: int = 32,
                 num_levels: int = 5,
                 norm_cfg: ConfigType = dict(type='BN'),
                 init_cfg: OptMultiConfig = None) -> None:
        super().__init__(init_cfg)
        if num_levels < 1:
            raise ValueError(f'num_levels must be 1 or more, got {num_levels}')
        channels = [base_channels * min(2**i, 8) for i in range(num_levels)]
        self.stem = nn.Sequential(
            ConvModule(in_channels, base_channels, 5, 2, 2,
                       norm_cfg=norm_cfg),
            ResidualBlock(base_channels, base_channels, 1, norm_cfg))
        pairs = list(zip(channels, channels[1:]))
        self.down = nn.ModuleList(
            ResidualBlock(fine, coarse, 2, norm_cfg) for fine, coarse in pairs)
        self.lateral = nn.ModuleList(
            nn.Conv2d(coarse, fine, 1) for fine, coarse in pairs)
        self.up = nn.ModuleList(
            ResidualBlock(fine, fine, 1, norm_cfg) for fine, _ in pairs)
        # Convolutions on a CPU are faster so; weights are turned once.
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tuple[Tensor]:
        """Features of an image.

        Args:
            x (Tensor): Shape (N, C, H, W), any size.

        Returns:
            tuple[Tensor]: One map, shape (N, base_channels, h, w) with h and
            w half of H and W, rounded up.
        """
        x = x.contiguous(memory_format=torch.channels_last)
        features = [self.stem(x)]
        for down in self.down:
            features.append(down(features[-1]))
        x = features.pop()
        for lateral, up in zip(reversed(self.lateral), reversed(self.up)):
            fine = features.pop()
            x = up(fine + F.interpolate(lateral(x), size=fine.shape[-2:]))
        return (x, )
