"""StarDist's own way through a slide, with a threshold for its network.

Run by predict_slide.py in an environment of its own (pip install stardist
tensorflow-cpu 'zarr<3'). What is measured is ``predict_instances_big``, with
the sizes of its documentation: blocks are read, cells given to the block that
they belong to, and labels written; one process, one thread. Only the function
that runs the network on a block is replaced.
"""
import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

BLOCK, OVERLAP, CONTEXT = 4096, 128, 128


def threshold_model(threshold: float, least: int) -> Any:
    """A StarDist model that takes bright parts for cells."""
    # Only its own environment has it.
    from stardist.models import Config2D, StarDist2D

    class Threshold(StarDist2D):

        def predict_instances(self, img, **_) -> tuple:
            labels, _ = ndimage.label(img > threshold)
            # Specks are no cells for the other side, either.
            sizes = np.bincount(labels.ravel())
            kept = sizes >= least
            kept[0] = False
            labels = (np.cumsum(kept) * kept).astype(np.int32)[labels]
            boxes = ndimage.find_objects(labels)
            points = np.array([[(side.start + side.stop) // 2 for side in box]
                               for box in boxes]).reshape(-1, 2)
            return labels, dict(points=points, prob=np.ones(len(boxes)))

    return Threshold(Config2D(), name=None, basedir=None)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('slide', help='an OME-Zarr')
    parser.add_argument('out', help='folder for labels.zarr')
    parser.add_argument('threshold', type=float)
    parser.add_argument('least', type=int, help='pixels of a cell')
    parser.add_argument('report', type=Path, help='JSON to write')
    args = parser.parse_args()
    import zarr
    model = threshold_model(args.threshold, args.least)
    img = zarr.open(str(Path(args.slide, '0')), mode='r')
    labels = zarr.open(str(Path(args.out, 'labels.zarr')), mode='w',
                       shape=img.shape, chunks=(1024, 1024), dtype='i4')
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    _, found = model.predict_instances_big(
        img, 'YX', BLOCK, OVERLAP, CONTEXT, labels_out=labels,
        show_progress=False)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    args.report.write_text(json.dumps(dict(
        seconds=seconds, cells=len(found['prob']),
        cpu=used.ru_utime + used.ru_stime - before.ru_utime -
        before.ru_stime, megabytes=used.ru_maxrss * 1024 / 1e6)))


if __name__ == '__main__':
    main()
