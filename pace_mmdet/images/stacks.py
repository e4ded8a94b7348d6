"""Image files as stacks of planes: one plane in memory at a time."""
import contextlib
from pathlib import Path
from typing import Iterator, List, Optional, Tuple, Union

import numpy as np

from pace_mmdet.errors import ImageFileError

from .formats import open_planes
from .planes import PixelSize, Planes, broken
from .windows import PlaneWindows


class ImageStack:
    """The planes of an image file; a context manager.

    What is in a file decides how it is read, not its name
    (:mod:`~pace_mmdet.images.formats`), and its samples are what it says of
    them (:mod:`~pace_mmdet.images.samples`). Reduced copies of the image
    (thumbnails, pyramids) are no planes.

    Args:
        path (str or Path): The file.
        channel (int, optional): The channel to read, from 0: of the axis
            that the file calls channel, else of the colours. By default,
            channels are planes like those of other axes.
        as_numbers (bool): Whether to give the numbers that are stored
            (labels), not what they are to be shown as.
        page (int, optional): The only plane to give, from 0, counted without
            the channel axis if ``channel`` is given. By default, all.

    Attributes:
        page (int, optional): As given.
        axes (str): A letter for each axis of the stack; see
            :class:`~pace_mmdet.images.planes.Planes`, as for the others.
        shape (tuple[int]): Its lengths.
        file_axes (str): ``axes`` if no page were chosen.
        file_shape (tuple[int]): Their lengths.
        plane_shape (tuple[int]): (H, W) or (H, W, 3).
        num_channels (int): Length of the axis called channel; 1 without.
        channel_names (list[str]): Their names, as far as the file has them.
        pixel_size (PixelSize, optional): If the file says.
        is_ome (bool): Whether it is an OME-TIFF.
        is_uniform (bool): Whether its images are all alike.

    Raises:
        ImageFileError: If the file is missing or broken, is no image of a
            kind that is read, or has no such channel or plane.
    """

    def __init__(self,
                 path: Union[str, Path],
                 channel: Optional[int] = None,
                 as_numbers: bool = False,
                 page: Optional[int] = None) -> None:
        self.path = Path(path)
        self.channel = channel
        with self.clear_errors():
            self._planes: Planes = open_planes(self.path, as_numbers)
        self.axes, self.shape = self._planes.axes, self._planes.shape
        self.plane_shape = self._planes.plane_shape
        self.num_channels = 1
        self.channel_names: List[str] = self._planes.channel_names
        self.pixel_size: Optional[PixelSize] = self._planes.pixel_size
        self.is_ome = self._planes.is_ome
        self.is_uniform = self._planes.is_uniform
        try:
            self._choose_channel()
            self.file_axes, self.file_shape = self.axes, self.shape
            self.page = page
            if page is not None:
                self._choose_page(page)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> 'ImageStack':
        return self

    def __exit__(self, *args) -> None:
        self.close()

    def __len__(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def max_pixels(self) -> int:
        """Pixels of the largest plane, by what the file says of itself."""
        return self._planes.max_pixels

    def close(self) -> None:
        """Close the file."""
        self._planes.close()

    def read(self, index: int) -> np.ndarray:
        """Read a plane.

        Args:
            index (int): Which, the last axis running fastest.

        Returns:
            ndarray: Shape (H, W), or (H, W, 3) in RGB order (an alpha channel
            is left out); the file's own dtype.

        Raises:
            ImageFileError: If it is broken or empty.
        """
        with self.clear_errors():
            img = self._planes.read(self._place(index))
        if 0 in img.shape:
            raise ImageFileError(f'{self.path}: the image is empty, '
                                 f'{img.shape}')
        if self._from_colours and img.ndim > 2:
            return np.ascontiguousarray(img[..., self.channel])
        return img

    def windows(self, index: int) -> PlaneWindows:
        """A plane to be read in parts.

        Args:
            index (int): As of :meth:`read`.

        Raises:
            ImageFileError: If it is broken. What reading a part raises,
                :meth:`clear_errors` turns into one.
        """
        with self.clear_errors():
            found = self._planes.windows(self._place(index))
        if self._from_colours:
            found.colour = self.channel
        return found

    @property
    def names(self) -> List[str]:
        """Places of the images in the file, such as a plate's fields."""
        return self._planes.names

    def _place(self, index: int) -> int:
        """Number of a plane among all of the file."""
        if self.page is not None:
            index = self.page
        if self._axis is not None:
            place = list(np.unravel_index(index, self._outer_shape))
            place.insert(self._axis, self.channel)
            index = int(np.ravel_multi_index(place, self._full_shape))
        return index

    def _choose_channel(self) -> None:
        self._full_shape: Tuple[int, ...] = self.shape
        self._axis: Optional[int] = None
        self._from_colours = False
        if self.axes.count('C') == 1:
            self.num_channels = self.shape[self.axes.index('C')]
        if self.channel is None:
            return
        count = self.num_channels
        if self.axes.count('C') == 1:
            self._axis = self.axes.index('C')
            self.axes = self.axes.replace('C', '')
            self.shape = (self.shape[:self._axis] +
                          self.shape[self._axis + 1:])
        else:
            self._from_colours = True
            count = self.plane_shape[2] if len(self.plane_shape) > 2 else 1
        self._outer_shape = self.shape
        if not 0 <= self.channel < count:
            raise ImageFileError(
                f'{self.path}: channel {self.channel} is not in the file, '
                f'which has {count} (numbered from 0)')
        if self._from_colours:
            self.plane_shape = self.plane_shape[:2]

    def _choose_page(self, page: int) -> None:
        if not 0 <= page < len(self):
            raise ImageFileError(
                f'{self.path}: page {page} is not in the file, which holds '
                f'{len(self)} (0 ... {len(self) - 1})')
        self.axes, self.shape = '', ()
        if self.channel is None:
            self.num_channels = 1
        self.is_uniform = True

    @contextlib.contextmanager
    def clear_errors(self) -> Iterator[None]:
        """Turn what the decoders raise into one error."""
        try:
            yield
        except (ImageFileError, MemoryError):
            raise
        # The decoders raise whatever they come upon in a broken file.
        except Exception as error:
            raise broken(self.path, f'{type(error).__name__}: {error}') \
                from error


def read_image(path: Union[str, Path],
               page: Optional[int] = None,
               channel: Optional[int] = None,
               as_numbers: bool = False) -> np.ndarray:
    """Read one image plane; see :class:`ImageStack`.

    Args:
        path (str or Path): The file.
        page (int, optional): Which plane of a stack to read, from 0. A file
            with more than one plane needs it: no plane is taken silently.
        channel (int, optional): Which channel to read, from 0. Its planes
            are then the pages.
        as_numbers (bool): As of :class:`ImageStack`.

    Returns:
        ndarray: Shape (H, W), or (H, W, 3) in RGB order for a colour image
        (an alpha channel is left out); the file's own dtype.

    Raises:
        ImageFileError: If the file is missing or broken, or has another
            number of planes than expected.
    """
    with ImageStack(path, channel, as_numbers, page) as stack:
        return read_single(stack)


def read_single(stack: ImageStack) -> np.ndarray:
    """Read the plane of an open file that is to have one only.

    Raises:
        ImageFileError: If it has several; with the options that choose.
    """
    path, count = stack.path, len(stack)
    if count != 1:
        what, options = 'planes (a stack)', f'--page 0 ... {count - 1}'
        if stack.num_channels > 1 and stack.channel is None:
            names = ', '.join(stack.channel_names)
            what = (f'planes, {stack.num_channels} channels'
                    f'{f" ({names})" if names else ""}')
            options = (f'--channel 0 ... {stack.num_channels - 1}'
                       if count == stack.num_channels else
                       f'--channel 0 ... {stack.num_channels - 1} and '
                       f'--page 0 ... {count // stack.num_channels - 1}')
        raise ImageFileError(
            f'{path}: holds {count} {what}, expected 1; say which one to '
            f'read with {options} (page= and channel= in a config)')
    return stack.read(0)
