"""What the writers write: the cells of all planes of one file."""
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, List, Optional, Sequence, Tuple

import numpy as np

from pace_mmdet.images.stacks import ImageStack, PixelSize
from pace_mmdet.inference.cells import Cells


@dataclass
class FileCells:
    """The segmented planes of an image file.

    Attributes:
        path (Path): The image file.
        planes (list[Cells]): The cells of each plane.
        read (Callable): Gives a plane by its index, its values as in the
            file, shape (H, W) or (H, W, 3).
        intensities (Callable): Brings a plane to the range of 8 bits, to be
            looked at.
        axes (str): A letter for each axis of the stack; '' for one plane.
        shape (tuple[int]): Lengths of the axes.
        first_plane (int): Number in the file of the first of ``planes``.
        file_axes (str): Of the file's stack, of which one plane may have been
            chosen; by default the same as ``axes``.
        file_shape (tuple[int]): Lengths of these.
        pixel_size (PixelSize, optional): If known.
        is_ome (bool): Whether the file is an OME-TIFF.
        classes (Sequence[str]): Names of the classes; those that cells have
            beyond them are called by their number.
        names (Sequence[str]): Places of the file's images in it, such as a
            plate's fields.
        has_others (bool): Whether the file has other channels than the one
            that was segmented.
    """
    path: Path
    planes: List[Cells]
    read: Callable[[int], np.ndarray]
    intensities: Callable[[np.ndarray], np.ndarray]
    axes: str = ''
    shape: Tuple[int, ...] = ()
    pixel_size: Optional[PixelSize] = None
    is_ome: bool = False
    classes: Sequence[str] = field(default=('cell', ))
    names: Sequence[str] = ()
    has_others: bool = False
    first_plane: int = 0
    file_axes: str = ''
    file_shape: Tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.file_axes:
            self.file_axes, self.file_shape = self.axes, self.shape
        most = max(cells.labels.max(initial=0) for cells in self.planes)
        self.classes = (*self.classes, *(
            f'class {label}' for label in range(len(self.classes), most + 1)))

    @classmethod
    def of_stack(cls, stack: ImageStack, planes: List[Cells],
                 **others) -> 'FileCells':
        """What a file and its cells make together."""
        return cls(stack.path, planes, axes=stack.axes, shape=stack.shape,
                   pixel_size=stack.pixel_size, is_ome=stack.is_ome,
                   names=stack.names,
                   has_others=stack.channel is not None and
                   stack.num_channels > 1,
                   first_plane=stack.page or 0, file_axes=stack.file_axes,
                   file_shape=stack.file_shape, **others)

    @property
    def of_several(self) -> bool:
        """Whether the file has more planes than one."""
        return len(self.planes) > 1 or np.prod(self.file_shape) > 1

    def position(self, plane: int) -> dict:
        """Where one of ``planes`` is in the file: axis letter to index."""
        if not self.file_axes:
            return {}
        return {
            axis: int(index) for axis, index in zip(
                self.file_axes, np.unravel_index(
                    self.first_plane + plane, self.file_shape))
        }
