"""The images that an annotation file is about, found beside it."""
from pathlib import Path
from typing import Any, Iterator, List, Optional, Sequence

import numpy as np

from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.paths import find_images
from pace_mmdet.images.stacks import read_image


def images_beside(path: Path, names: Sequence[str]) -> List[Path]:
    """Find images where those of an annotation file usually are.

    Args:
        path (Path): The annotation file.
        names (Sequence[str]): File names as it has them.

    Returns:
        list[Path]: Of all images.

    Raises:
        ImageFileError: If no folder has all of them.
    """
    looked = []
    for folder in _folders(Path(path).resolve().parent):
        try:
            return [Path(found) for found in find_images(
                str(folder), names, by_cell_type=True)]
        except ImageFileError:
            looked.append(folder)
    raise ImageFileError(
        f'{path}: its images ({names[0]}, ...) were not all found in one of '
        'the folders ' + ', '.join(map(str, looked)) + '; boxes and answers '
        'are shown alone, open the images as well')


def _folders(folder: Path) -> Iterator[Path]:
    """Beside the file, or as data sets have them: annotations/, images/."""
    yield folder
    for images in (folder / 'images', folder.parent / 'images'):
        if images.is_dir():
            yield images
            yield from sorted(p for p in images.iterdir() if p.is_dir())


def image_stack(paths: Sequence[Path],
                sizes: np.ndarray,
                page: Optional[int] = None,
                channel: Optional[int] = None) -> Any:
    """Images as the planes of one stack, each read when it is looked at.

    Args:
        paths (Sequence[Path]): I files.
        sizes (ndarray): (height, width) that the annotation file says,
            shape (I, 2). Smaller images are filled with zeros at the right
            and below.
        page (int, optional): Plane to read of each file.
        channel (int, optional): Channel to read of each file.

    Returns:
        ndarray or dask.array.Array: Shape (H, W) of a single image, else
        (I, H, W); of colour images with three colours behind.

    Raises:
        ImageFileError: If an image cannot be read, is of another size than
            the file says, or of another type than the first; of all but the
            first this shows when they are looked at.
    """
    first = _read(paths[0], sizes[0], page, channel)
    if len(paths) == 1:
        return first
    # It comes with napari.
    import dask.array as da
    from dask import delayed
    shape = (*map(int, sizes.max(axis=0)), *first.shape[2:])

    def plane(path: Path, size: Sequence[int]) -> np.ndarray:
        img = _read(path, size, page, channel)
        if (img.dtype, img.shape[2:]) != (first.dtype, first.shape[2:]):
            raise ImageFileError(
                f'{path}: {_kind(img)}, but {paths[0]}: {_kind(first)}; in '
                'one stack all are alike, open this image by itself')
        filled = np.zeros(shape, img.dtype)
        filled[:img.shape[0], :img.shape[1]] = img
        return filled

    return da.stack([
        da.from_delayed(delayed(plane)(path, size), shape, first.dtype)
        for path, size in zip(paths, sizes.tolist())
    ])


def _read(path: Path, size: Sequence[int], page: Optional[int],
          channel: Optional[int]) -> np.ndarray:
    img = read_image(path, page, channel)
    if img.shape[:2] != tuple(size):
        raise ImageFileError(
            f'{path}: {img.shape[1]} x {img.shape[0]} pixels, but its '
            f'annotations say {size[1]} x {size[0]}')
    return img


def _kind(img: np.ndarray) -> str:
    return f'{"colour" if img.ndim > 2 else "grey"}, {img.dtype}'
