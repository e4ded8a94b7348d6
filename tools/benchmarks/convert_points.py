"""Time and memory of making points of a file as large as LIVECell's.

The file for training has 1 million polygons in 525 MiB. One like it is made
in a temporary folder and converted by the command that a user would type, in
a process of its own.
"""
import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Tuple

from pace_mmdet.files import atomic_file
from pace_mmdet.testing import synthetic_coco
from pace_mmdet.testing.benchmarking import (Comparison, Cost, add_json_option,
                                             publish)

ROOT = Path(__file__).resolve().parents[2]
CONVERTER = ROOT / 'tools/dataset_converters/masks_to_points.py'
HEIGHT, WIDTH = 520, 704
# Images that differ; beyond them they come again under other names and ids.
DIFFERENT = 5


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--cells', type=int, default=1_040_000)
    parser.add_argument('--cells-per-image', type=int, default=310)
    parser.add_argument('--max-points', type=int, default=10)
    parser.add_argument(
        '--folder', help='where the file is made and removed again')
    add_json_option(parser)
    return parser.parse_args()


def write_masks(path: Path, num_cells: int, per_image: int) -> int:
    """Write a COCO file of polygons, a cell at a time.

    Args:
        path (Path): Where to.
        num_cells (int): Number of cells.
        per_image (int): Cells of an image; the last may have fewer.

    Returns:
        int: Number of images.
    """
    _, coco = synthetic_coco(DIFFERENT, per_image, HEIGHT, WIDTH)
    cells = coco['annotations']
    num_images = -(-num_cells // per_image)
    images = [
        dict(id=number, file_name=f'A172_Phase_{number}.tif', height=HEIGHT,
             width=WIDTH) for number in range(num_images)
    ]
    head = dict(images=images, categories=coco['categories'], info={})
    with atomic_file(path) as file:
        file.write(json.dumps(head)[:-1].encode() + b', "annotations": [')
        for number in range(num_cells):
            cell = dict(cells[number % len(cells)], id=number,
                        image_id=number // per_image)
            file.write((', ' if number else '').encode() +
                       json.dumps(cell).encode())
        file.write(b']}')
    return num_images


def convert(masks: Path, points: Path, max_points: int) -> Tuple[float, int]:
    """Run the converter; return its seconds and most bytes of memory."""
    start = time.perf_counter()
    subprocess.run([
        sys.executable, CONVERTER, masks, points, '--max-points',
        str(max_points)
    ], check=True)
    # Of the largest child so far, in kilobytes on Linux.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return time.perf_counter() - start, peak


def main() -> None:
    args = parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        masks, points = Path(folder) / 'masks.json', Path(folder) / 'out.json'
        images = write_masks(masks, args.cells, args.cells_per_image)
        seconds, peak = convert(masks, points, args.max_points)
        sizes = [path.stat().st_size / 2**20 for path in (masks, points)]
    publish([
        Comparison(
            f'Making {args.max_points} points for each of {args.cells:,} '
            f'cells on {images:,} images of {WIDTH} x {HEIGHT} pixels',
            dict(ours=Cost(seconds, peak / 1e6)),
            remarks=[
                f'from {sizes[0]:.0f} MiB of masks to {sizes[1]:.0f} MiB of '
                'points, with the start of Python, one run',
                'aim: at most 2,000 MB, all included'
            ])
    ], args.json)


if __name__ == '__main__':
    main()
