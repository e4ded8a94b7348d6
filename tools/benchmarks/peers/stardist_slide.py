"""StarDist's own way through a slide, with a threshold for its network.

Run by predict_slide.py in an environment of its own (pip install stardist
tensorflow-cpu 'zarr<3'). What is measured is ``predict_instances_big``, with
the sizes of its documentation: blocks are read, cells given to the block that
they belong to, and labels written; one process, one thread. Only the function
that runs the network on a block is replaced.
"""
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import zarr
from scipy import ndimage
from stardist.models import Config2D, StarDist2D

BLOCK, OVERLAP, CONTEXT = 4096, 128, 128


class Threshold(StarDist2D):
    """A model that takes bright parts for cells."""

    def find(self, threshold: float, least: int) -> None:
        self.threshold, self.least = threshold, least

    def predict_instances(self, img, **_) -> tuple:
        labels, _ = ndimage.label(img > self.threshold)
        # Specks are no cells for the other side, either.
        sizes = np.bincount(labels.ravel())
        kept = sizes >= self.least
        kept[0] = False
        labels = (np.cumsum(kept) * kept).astype(np.int32)[labels]
        boxes = ndimage.find_objects(labels)
        points = np.array([[(side.start + side.stop) // 2 for side in box]
                           for box in boxes]).reshape(-1, 2)
        return labels, dict(points=points, prob=np.ones(len(boxes)))


def main() -> None:
    slide, out, threshold, least, report = sys.argv[1:]
    model = Threshold(Config2D(), name=None, basedir=None)
    model.find(float(threshold), int(least))
    img = zarr.open(str(Path(slide, '0')), mode='r')
    labels = zarr.open(str(Path(out, 'labels.zarr')), mode='w',
                       shape=img.shape, chunks=(1024, 1024), dtype='i4')
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    _, found = model.predict_instances_big(
        img, 'YX', BLOCK, OVERLAP, CONTEXT, labels_out=labels,
        show_progress=False)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    Path(report).write_text(json.dumps(dict(
        seconds=seconds, cells=len(found['prob']),
        cpu=used.ru_utime + used.ru_stime - before.ru_utime -
        before.ru_stime, megabytes=used.ru_maxrss * 1024 / 1e6)))


if __name__ == '__main__':
    main()
