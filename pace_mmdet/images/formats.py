"""What kind of image a file is: told by its first bytes, not by its name.

Only these kinds are opened. Pillow knows many more, and for some of them it
starts other programs (for PostScript, Ghostscript).
"""
from pathlib import Path
from typing import Union

from pace_mmdet.errors import ImageFileError

_STARTS = {
    b'II*\0': 'TIFF',
    b'MM\0*': 'TIFF',
    # BigTIFF.
    b'II+\0': 'TIFF',
    b'MM\0+': 'TIFF',
    b'\x89PNG\r\n\x1a\n': 'PNG',
    b'\xff\xd8\xff': 'JPEG',
    b'BM': 'BMP',
    b'GIF8': 'GIF',
}


def image_format(path: Union[str, Path]) -> str:
    """The kind of an image file.

    Args:
        path (str or Path): The file.

    Returns:
        str: 'TIFF', 'PNG', 'JPEG', 'BMP' or 'GIF'.

    Raises:
        ImageFileError: If it is missing, no file but a folder, pipe or
            device, empty, or of another kind.
    """
    path = Path(path)
    if not path.is_file():
        raise ImageFileError(f'{path}: is no regular file' if path.exists()
                             else f'{path}: no such image file')
    with open(path, 'rb') as file:
        start = file.read(8)
    if not start:
        raise ImageFileError(f'{path}: the file is empty (0 bytes)')
    for known, name in _STARTS.items():
        if start.startswith(known):
            return name
    kinds = ', '.join(dict.fromkeys(_STARTS.values()))
    raise ImageFileError(f'{path}: cannot be read as an image (its content '
                         f'is none of {kinds}). If it is incomplete, copy '
                         'it again.')
