"""From the cells of overlapping tiles to those of the image.

Letters in the shapes: N cells, P pairs of them.
"""
from dataclasses import replace
from typing import List, Sequence, Tuple

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .cells import Cells, join_cells
from .tiling import Layout, clearance

MAX_OVERLAP = 0.6
"""Two cells that share more of the smaller one's pixels are the same cell.
(An IoU of 0.5 is at least 0.67 of the smaller one.)"""
# The tiles' networks may place a cell a little differently: within so many
# pixels, or so much of its size, of equally far from both tiles' borders it
# may come from either, and is looked for twice rather than lost.
_TIE, _TIE_OF_SIZE = 8, 0.25
# A mask this near to an inner border may end there because the tile does.
_RIM = 2
# Pieces of a cell that no tile sees whole must agree where tiles overlap.
_SAME_PIECE = 0.5


def merge_tiles(tiles: Sequence[Cells], layout: Layout) -> Tuple[Cells, int]:
    """Join what was found in the tiles of an image.

    A cell comes from the tile it belongs to (:mod:`.tiling`). One that is
    larger than the tiles' overlap is in no tile whole: its pieces are joined
    where they agree. Cells that are then still there twice are settled by
    :func:`drop_duplicates`.

    Args:
        tiles (Sequence[Cells]): The cells of each of ``layout.tiles()``, in
            pixels of the image.
        layout (Layout): The tiles.

    Returns:
        tuple[Cells, int]: The image's cells, and how many of them were
        joined from pieces.
    """
    kept, number, cut = [], [], []
    for index, cells in enumerate(tiles):
        owned, whole = belonging(cells, index, layout)
        kept.append(cells[owned])
        cut.append(~whole[owned])
        number.append(np.full(owned.sum(), index))
    cells, cut = join_cells(kept), np.concatenate(cut)
    cells, joined = _join_pieces(cells, cut, np.concatenate(number), layout)
    return drop_duplicates(cells), joined


def belonging(cells: Cells, index: int,
              layout: Layout) -> Tuple[np.ndarray, np.ndarray]:
    """Which of a tile's cells are to be taken from it.

    Args:
        cells (Cells): N cells, in pixels of the image.
        index (int): Number of the tile.
        layout (Layout): The tiles.

    Returns:
        tuple[ndarray]: Whether the tile is where each is seen best, or as
        well as elsewhere, and whether it is seen whole there, bool, (N, ).
    """
    row, column = divmod(index, len(layout.columns))
    x1, y1, x2, y2 = cells.mask_boxes.T
    owned, whole = np.ones((2, len(cells)), bool)
    for starts, ends, ranges, tile in ((x1, x2, layout.columns, column),
                                       (y1, y2, layout.rows, row)):
        room = clearance(starts, ends, ranges)
        inside = room[:, tile] > _RIM
        tie = np.maximum(_TIE, _TIE_OF_SIZE * (ends - starts)) * inside
        owned &= room[:, tile] >= room.max(axis=1) - tie
        whole &= inside
    return owned, whole


def drop_duplicates(cells: Cells) -> Cells:
    """Of cells that lie on one another, leave the best scoring one.

    Args:
        cells (Cells): N cells.

    Returns:
        Cells: Those that are left, in the same order.
    """
    return cells[best_of(cells, same_cells(cells))]


def same_cells(cells: Cells) -> np.ndarray:
    """Pairs that are the same cell; see :data:`MAX_OVERLAP`.

    Returns:
        ndarray: Rows (i, j) with i < j, int64, shape (P, 2).
    """
    pairs = touching_pairs(cells)
    shared = shared_pixels(cells, pairs)
    return pairs[shared > MAX_OVERLAP * cells.areas[pairs].min(axis=1)]


def best_of(cells: Cells, same: np.ndarray) -> np.ndarray:
    """Which cells are left if of each pair one goes, bool, shape (N, )."""
    rivals: List[List[int]] = [[] for _ in range(len(cells))]
    for one, other in same.tolist():
        rivals[one].append(other)
        rivals[other].append(one)
    left = np.ones(len(cells), dtype=bool)
    # Of equal scores the larger one, which does not depend on the tiles.
    for row in np.lexsort((-cells.areas, -cells.scores)):
        if left[row]:
            left[rivals[row]] = False
    return left


def drop_hidden(cells: Cells) -> Cells:
    """Leave out cells that have no pixel of their own in a label image.

    All formats then hold the same cells. (Two cells together may hide a
    third, of which neither covers enough to be the same cell.)

    Args:
        cells (Cells): N cells.

    Returns:
        Cells: Those that :meth:`Cells.label_image` shows, in the same order.
    """
    return cells[shown(cells)]


def shown(cells: Cells) -> np.ndarray:
    """Which cells :meth:`Cells.label_image` shows, bool, shape (N, )."""
    pairs = touching_pairs(cells)
    shared = shared_pixels(cells, pairs)
    # Of equal scores the first is above.
    second = cells.scores[pairs[:, 1]] > cells.scores[pairs[:, 0]]
    above = np.where(second, pairs[:, 1], pairs[:, 0])
    below = np.where(second, pairs[:, 0], pairs[:, 1])
    seen = np.ones(len(cells), dtype=bool)
    covered = np.bincount(below, shared, minlength=len(cells))
    for row in np.flatnonzero(covered >= cells.areas):
        left = cells.crops[row].copy()
        x1, y1, x2, y2 = cells.mask_boxes_of(row)
        for other in above[(below == row) & (shared > 0)]:
            box = cells.mask_boxes_of(other)
            low = np.maximum((x1, y1), box[:2])
            high = np.minimum((x2, y2), box[2:])
            left[low[1] - y1:high[1] - y1, low[0] - x1:high[0] - x1] &= \
                ~_window(cells, other, *low, *high)
        seen[row] = left.any()
    return seen


def touching_pairs(cells: Cells) -> np.ndarray:
    """Pairs of cells whose boxes of pixels overlap.

    Found by a search tree: only neighbours are ever compared.

    Returns:
        ndarray: Rows (i, j) with i < j, int64, shape (P, 2).
    """
    boxes = shapely.box(*cells.mask_boxes.T)
    one, other = shapely.STRtree(boxes).query(boxes)
    return np.stack([one, other], axis=1)[one < other]


def shared_pixels(cells: Cells, pairs: np.ndarray) -> np.ndarray:
    """Number of pixels that the masks of each pair share, int64, (P, )."""
    shared = np.zeros(len(pairs), dtype=np.int64)
    boxes = cells.mask_boxes
    low = np.maximum(boxes[pairs[:, 0], :2], boxes[pairs[:, 1], :2])
    high = np.minimum(boxes[pairs[:, 0], 2:], boxes[pairs[:, 1], 2:])
    for k in np.flatnonzero((low < high).all(axis=1)):
        one, other = (_window(cells, row, *low[k], *high[k])
                      for row in pairs[k])
        shared[k] = np.count_nonzero(one & other)
    return shared


def _window(cells: Cells, row: int, x1: int, y1: int, x2: int,
            y2: int) -> np.ndarray:
    """Part of a cell's crop, given in pixels of the image."""
    x, y = cells.corners[row]
    return cells.crops[row][y1 - y:y2 - y, x1 - x:x2 - x]


def _join_pieces(cells: Cells, cut: np.ndarray, tile: np.ndarray,
                 layout: Layout) -> Tuple[Cells, int]:
    """Join the pieces of cells that no tile sees whole.

    Args:
        cells (Cells): N cells.
        cut (ndarray): Which of them end at an inner border, bool, (N, ).
        tile (ndarray): Number of the tile that each is from, (N, ).
        layout (Layout): The tiles.

    Returns:
        tuple[Cells, int]: The cells, and how many were joined.
    """
    rows = np.flatnonzero(cut)
    pieces = cells[rows]
    links = piece_links(pieces, tile[rows], layout)
    if not len(links):
        return cells, 0
    groups = connected(links, len(rows))
    sizes = np.bincount(groups)
    joined = [
        union(pieces[np.flatnonzero(groups == group)])
        for group in np.flatnonzero(sizes > 1)
    ]
    rest = np.ones(len(cells), dtype=bool)
    rest[rows[sizes[groups] > 1]] = False
    return join_cells([cells[rest], *joined]), len(joined)


def piece_links(pieces: Cells, tile: np.ndarray,
                layout: Layout) -> np.ndarray:
    """Pairs of pieces from different tiles that agree where these overlap.

    Args:
        pieces (Cells): N cells that end at an inner border.
        tile (ndarray): Number of the tile that each is from, (N, ).
        layout (Layout): The tiles.

    Returns:
        ndarray: Rows (i, j) with i < j, int64, shape (P, 2).
    """
    if not len(pieces):
        return np.zeros((0, 2), int)
    pairs = touching_pairs(pieces)
    pairs = pairs[tile[pairs[:, 0]] != tile[pairs[:, 1]]]
    agree = np.zeros(len(pairs), dtype=bool)
    shared = shared_pixels(pieces, pairs)
    for k, (one, other) in enumerate(pairs):
        a, b = layout.tile(tile[one]), layout.tile(tile[other])
        window = (max(a.x1, b.x1), max(a.y1, b.y1), min(a.x2, b.x2),
                  min(a.y2, b.y2))
        seen = sum(_pixels_within(pieces, row, window)
                   for row in (one, other)) - shared[k]
        agree[k] = shared[k] >= _SAME_PIECE * max(seen, 1)
    return pairs[agree]


def connected(pairs: np.ndarray, count: int) -> np.ndarray:
    """Number of the group that each of some cells is in, int, (count, ).

    Groups are numbered in the order of their first cells.
    """
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])),
                      shape=(count, count))
    return connected_components(graph, directed=False)[1]


def _pixels_within(cells: Cells, row: int, window: Tuple[int, ...]) -> int:
    """Pixels of a cell in a window (x1, y1, x2, y2) of the image."""
    box = cells.mask_boxes_of(row)
    low = np.maximum(box[:2], window[:2])
    high = np.minimum(box[2:], window[2:])
    if (low >= high).any():
        return 0
    return np.count_nonzero(_window(cells, row, *low, *high))


def union(pieces: Cells) -> Cells:
    """One cell of all pixels of several; the best score of theirs."""
    boxes = pieces.mask_boxes
    corner, end = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    whole = np.zeros((end - corner)[::-1], dtype=bool)
    for (x1, y1, x2, y2), crop in zip(boxes - np.tile(corner, 2),
                                      pieces.crops):
        whole[y1:y2, x1:x2] |= crop
    best = pieces[[int(np.argmax(pieces.scores))]]
    bbox = np.concatenate([
        pieces.bboxes[:, :2].min(axis=0), pieces.bboxes[:, 2:].max(axis=0)
    ])
    return replace(best, bboxes=bbox[None], corners=corner[None],
                   crops=[whole])
