"""Which slice of a stack an outline of ImageJ or QuPath belongs to.

Both count as their programs do: ImageJ from 1, and 0 stands for all slices;
QuPath from 0, and an outline without a plane stands for all.
"""
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional

import numpy as np

from pace_mmdet.images.stacks import ImageStack

OTHER_SLICE = 'of another slice'


class Slice(NamedTuple):
    """A plane of a stack.

    Attributes:
        page (int): Its number among the planes of one channel, from 0.
        position (dict): Its index, from 0, along each of the axes T, Z and C
            that the stack has; empty for stacks with other axes.
        channels (int): Planes that ImageJ counts for one of these.
    """
    page: int
    position: Dict[str, int]
    channels: int

    def holds_roi(self, roi: Any) -> bool:
        """Whether an ImageJ ROI is on it."""
        for axis, value in (('T', roi.t_position), ('Z', roi.z_position)):
            if value > 0 and self.position.get(axis, 0) != value - 1:
                return False
        return roi.position <= 0 or (
            roi.position - 1) // self.channels == self.page

    def holds_geometry(self, geometry: dict) -> bool:
        """Whether a GeoJSON geometry of QuPath is on it."""
        plane = geometry.get('plane')
        if not isinstance(plane, dict):
            return True
        # A plain stack's pages are what QuPath calls time.
        time = self.position.get('T', 0) if self.position else self.page
        return (plane.get('z', 0), plane.get('t', 0)) == (
            self.position.get('Z', 0), time)


def find_slice(path: Path, page: Optional[int],
               channel: Optional[int]) -> Optional[Slice]:
    """The slice that ``page`` names; None where there is only one.

    Args:
        path (Path): The image file.
        page (int, optional): Of it, as :class:`ImageStack` counts.
        channel (int, optional): Of it.

    Raises:
        ImageFileError: If the file cannot be read.
    """
    if page is None:
        return None
    with ImageStack(path, channel) as stack:
        if len(stack) < 2:
            return None
        position = {}
        if set(stack.axes) <= set('TZC'):
            position = {axis: int(index) for axis, index in zip(
                stack.axes, np.unravel_index(page, stack.shape))}
        channels = 1 if channel is None or 'C' in stack.axes else max(
            stack.num_channels, 1)
        return Slice(page, position, channels)
