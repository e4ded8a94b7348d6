import numpy as np

from pace_mmdet.inference.proposing import found_cells

from .conftest import cells_of


def test_an_outline_is_never_that_of_a_hole():
    mask = np.zeros((60, 60), bool)
    mask[5:45, 5:45] = True
    mask[9:41, 9:41] = False
    mask[9:41:2, 10:40] = mask[9:41, 10] = True  # a comb, of many corners
    found, = found_cells(cells_of([mask]))
    outline = np.array(found.outline)
    assert outline.min() < 6 and outline.max() > 44
