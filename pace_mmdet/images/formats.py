"""The image formats that are read, and what opens each.

A file's content says what it is, not its name; of a folder, the files with
these suffixes are taken. To read a further format, write a subclass of
:class:`~pace_mmdet.images.planes.Planes` and add a line to
:data:`FORMATS`.

Only these kinds are opened. Pillow knows many more, and for some of them it
starts other programs (for PostScript, Ghostscript).
"""
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Optional, Tuple, Union

from pace_mmdet.errors import ImageFileError

from .planes import Planes

EXTRA = "install the extra 'formats' (docs/install.md)"


class Format(NamedTuple):
    """A kind of image file.

    Attributes:
        name (str): What people call it.
        suffixes (tuple[str]): In lower case.
        starts (tuple[bytes]): What its files begin with.
        opener (str): Module in this package and class.
        package (str): What the opener needs beside the usual; '' if nothing.
    """
    name: str
    suffixes: Tuple[str, ...]
    starts: Tuple[bytes, ...]
    opener: str
    package: str = ''


FORMATS = (
    Format('TIFF', ('.tif', '.tiff', '.btf', '.tf2', '.tf8', '.lsm', '.stk',
                    '.svs', '.ndpi', '.scn', '.qptiff'),
           (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+'), 'tiff.TiffPlanes'),
    Format('PNG', ('.png', ), (b'\x89PNG\r\n\x1a\n', ), 'pictures.Png'),
    Format('JPEG', ('.jpg', '.jpeg'), (b'\xff\xd8\xff', ), 'pictures.Jpeg'),
    Format('JPEG 2000', ('.jp2', '.j2k', '.jpx'),
           (b'\0\0\0\x0cjP  \r\n\x87\n', b'\xff\x4f\xff\x51'),
           'pictures.Jpeg2000'),
    Format('BMP', ('.bmp', ), (b'BM', ), 'pictures.Bmp'),
    Format('GIF', ('.gif', ), (b'GIF8', ), 'pictures.Gif'),
    Format('WebP', ('.webp', ), (b'RIFF', ), 'pictures.WebP'),
    Format('CZI', ('.czi', ), (b'ZISRAWFILE', ), 'vendors.CziPlanes',
           'czifile'),
    Format('ND2', ('.nd2', ), (b'\xda\xce\xbe\n', ), 'vendors.Nd2Planes',
           'nd2'),
    Format('LIF', ('.lif', ), (b'\x70\0\0\0', ), 'vendors.LifPlanes',
           'liffile'),
    Format('OME-Zarr', ('.zarr', ), (), 'ome_zarr.ZarrPlanes', 'zarr'),
)
IMAGE_SUFFIXES = tuple(
    suffix for known in FORMATS for suffix in known.suffixes)
TIFF_SUFFIXES = FORMATS[0].suffixes
# What people try, by what it begins with.
_NOT_READ = {
    b'\x89HDF': 'HDF5 (such as .h5, .ims)',
    b'\x93NUMPY': 'a NumPy array',
    b'%PDF': 'PDF',
    b'%!PS': 'PostScript',
    b'PK\3\4': 'a zip archive',
    b'\x1f\x8b': 'packed by gzip',
    b'\xd0\xcf\x11\xe0': 'an OLE container (such as .oib, .zvi)',
    b'<': 'text (HTML, XML or SVG), perhaps the page of a login',
    b'version https://git-lfs': 'a pointer of Git LFS, not the file itself',
}
_ZARR_PARTS = ('.zattrs', '.zgroup', '.zarray', 'zarr.json')


def is_zarr(path: Path) -> bool:
    """Whether a folder is an OME-Zarr."""
    return path.is_dir() and any((path / name).is_file()
                                 for name in _ZARR_PARTS)


def image_format(path: Union[str, Path]) -> Format:
    """The kind of an image file.

    Args:
        path (str or Path): The file, or the folder of an OME-Zarr.

    Returns:
        Format: By its content.

    Raises:
        ImageFileError: If it is missing, no file but a folder, pipe or
            device, empty, or of a kind that is not read here; which of
            these, and what to do.
    """
    path = Path(path)
    if is_zarr(path):
        return FORMATS[-1]
    if not path.is_file():
        raise ImageFileError(f'{path}: is no regular file' if path.exists()
                             else f'{path}: no such image file')
    with open(path, 'rb') as file:
        start = file.read(64)
    if not start:
        raise ImageFileError(f'{path}: the file is empty (0 bytes)')
    found = _by_start(start)
    by_name = _by_suffix(path)
    if by_name is not None and by_name.name == 'ND2' and found is not None \
            and found.name == 'JPEG 2000':
        return by_name  # those of older microscopes
    if found is not None:
        return found
    raise ImageFileError(f'{path}: {_why_not(start, by_name, path)}')


def open_planes(path: Path, as_numbers: bool = False) -> Planes:
    """Open an image file of any kind.

    Args:
        path (Path): The file.
        as_numbers (bool): Whether the stored numbers are wanted (labels),
            not what they are to be shown as.

    Raises:
        ImageFileError: As :func:`image_format`, and if the package that the
            format needs is not installed.
    """
    kind = image_format(path)
    module, _, name = kind.opener.partition('.')
    try:
        opener = getattr(import_module(f'.{module}', __package__), name)
        return opener(path, as_numbers)
    except ImportError as error:
        if error.name != kind.package:
            raise
        raise ImageFileError(
            f'{path}: {kind.name} files need the package {kind.package}: '
            f'{EXTRA}') from None


def _by_start(start: bytes) -> Optional[Format]:
    for known in FORMATS:
        if start.startswith(known.starts) and known.starts:
            if known.name == 'WebP' and start[8:12] != b'WEBP':
                continue
            if known.name == 'LIF' and start[8:9] != b'\x2a':
                continue
            return known
    return None


def _by_suffix(path: Path) -> Optional[Format]:
    suffix = path.suffix.lower()
    return next((known for known in FORMATS if suffix in known.suffixes),
                None)


def _why_not(start: bytes, by_name: Optional[Format], path: Path) -> str:
    """Not supported, broken and misnamed are different things."""
    what = next((name for known, name in _NOT_READ.items()
                 if start.lstrip().startswith(known)), None)
    kinds = ', '.join(known.name for known in FORMATS if known.starts)
    if what is not None:
        misnamed = (f'is misnamed: not {by_name.name}, but {what}' if by_name
                    else f'is {what}')
        return f'{misnamed}, which is not read as an image; expected {kinds}'
    if by_name is not None:
        return (f'cannot be read as an image, it is broken or misnamed: it '
                f'begins as none of {kinds}. If it is incomplete, copy it '
                'again.')
    return (f'{path.suffix or "such a file"} is not supported, expected '
            f'{kinds}')
