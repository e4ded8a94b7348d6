"""Files with cells to write."""
from pathlib import Path

import numpy as np
import pytest

from pace_mmdet.images.intensities import to_uint8
from pace_mmdet.inference.writers import FileCells

from ..conftest import cells_of, random_masks


@pytest.fixture
def found_in():
    """Function (counts, **attributes) -> FileCells with so many cells."""

    def build(*counts, **attributes):
        planes = [
            cells_of(random_masks(count, 30, 40, seed), shape=(30, 40))
            for seed, count in enumerate(counts)
        ]
        images = np.random.default_rng(0).integers(
            0, 60000, (len(counts), 30, 40)).astype(np.uint16)
        if len(counts) > 1:
            attributes.setdefault('axes', 'T')
            attributes.setdefault('shape', (len(counts), ))
        return FileCells(Path('images/a b.tif'), planes, images.__getitem__,
                         to_uint8, **attributes)

    return build
