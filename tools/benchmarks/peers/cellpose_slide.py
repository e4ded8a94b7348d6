"""Cellpose's own way through a slide, with a threshold for its network.

Run by predict_slide.py in an environment of its own (pip install 'cellpose<4'
'zarr<3' dask distributed dask_image dask_jobqueue). What is measured is
``distributed_eval``: blocks are read, their overlaps cut off, and the labels
joined where they touch; one worker, one thread. Only the function that runs
the network on a block is replaced.
"""
import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

# Pixels of a block; larger ones cost less in all.
BLOCK = 2048
# Of the cells, in pixels: the overlap is twice as much.
DIAMETER = 40


class Volume:
    """A plane as one of depth 1: its way takes volumes only."""

    def __init__(self, plane: Any) -> None:
        self.plane, self.shape = plane, (1, *plane.shape)

    def __getitem__(self, place: tuple) -> np.ndarray:
        return np.asarray(self.plane[place[1:]])[None]


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
    # Only its own environment has them.
    import zarr
    from cellpose.contrib import distributed_segmentation as peer

    def segment(input_zarr, crop, *_) -> np.ndarray:
        bright = input_zarr[crop] > args.threshold
        labels = ndimage.label(bright)[0].astype(np.uint32)
        # Specks are no cells for the other side, either.
        small = np.bincount(labels.ravel()) < args.least
        labels[small[labels]] = 0
        return labels

    peer.read_preprocess_and_segment = segment
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    _, boxes = peer.distributed_eval(
        Volume(zarr.open(str(Path(args.slide, '0')), mode='r')),
        (1, BLOCK, BLOCK),
        str(Path(args.out, 'labels.zarr')),
        eval_kwargs=dict(diameter=DIAMETER),
        # In this process, so that its threads see the threshold.
        cluster_kwargs=dict(ncpus=1, n_workers=1, threads_per_worker=1,
                            processes=False))
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    args.report.write_text(json.dumps(dict(
        seconds=seconds, cells=len(boxes),
        cpu=used.ru_utime + used.ru_stime - before.ru_utime -
        before.ru_stime, megabytes=used.ru_maxrss * 1024 / 1e6)))


if __name__ == '__main__':
    main()
