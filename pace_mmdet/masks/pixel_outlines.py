"""Outlines of masks along the edges of their pixels.

Filling such an outline gives back the very mask, in any program. Coordinates
are the corners between pixels: pixel i covers i to i + 1.

Letters in the shapes: N cells, V corners of outlines, M those of one ring.
"""
from typing import List, Sequence, Tuple

import numpy as np
import shapely

Polygon = List[np.ndarray]
"""An outer ring and those of its holes, each int64 of shape (M, 2), (x, y)."""

# Of the four pixels around a corner: above left and right, below left and
# right.
_ABOVE_LEFT, _ABOVE_RIGHT, _BELOW_LEFT, _BELOW_RIGHT = 1, 2, 4, 8
# Where an outline turns; where two do, as pixels touch by their corners.
_SADDLES = (_ABOVE_LEFT | _BELOW_RIGHT, _ABOVE_RIGHT | _BELOW_LEFT)
_TURNS = np.array([bin(code).count('1') % 2 == 1 or code in _SADDLES
                   for code in range(16)])


def pixel_outlines(crops: Sequence[np.ndarray],
                   corners: np.ndarray) -> List[List[Polygon]]:
    """Outline masks, all at once.

    Pixels that touch by a corner only are apart. Rings don't touch
    themselves, so that the polygons are valid in the sense of the OGC.

    Args:
        crops (Sequence[ndarray]): N masks, bool, shape (h, w) each.
        corners (ndarray): Pixel (x, y) of each one's first pixel in the
            image, shape (N, 2).

    Returns:
        list[list[Polygon]]: The parts of each mask. Outer rings run
        clockwise as one sees them, holes the other way.
    """
    cell, xy, code = _turning_points(crops, corners)
    next_turn = _link(cell, xy, code).tolist()
    rings: List[List[np.ndarray]] = [[] for _ in crops]
    seen = np.zeros(len(cell), dtype=bool).tolist()
    owners = cell.tolist()
    for start in range(len(owners)):
        if seen[start]:
            continue
        ring, turn = [], start
        while not seen[turn]:
            seen[turn] = True
            ring.append(turn)
            turn = next_turn[turn]
        rings[owners[start]].append(xy[ring])
    return [_as_polygons([part for ring in cell_rings
                          for part in _simple_rings(ring)])
            for cell_rings in rings]


def _turning_points(
        crops: Sequence[np.ndarray],
        corners: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners where outlines turn; those where two do are listed twice.

    Returns:
        tuple[ndarray]: Index of the cell, shape (V, ); the place, (V, 2);
        the pixels around, (V, ).
    """
    places, codes = [], []
    for crop in crops:
        pixels = np.zeros((crop.shape[0] + 2, crop.shape[1] + 2), np.uint8)
        pixels[1:-1, 1:-1] = crop
        around = (_ABOVE_LEFT * pixels[:-1, :-1] +
                  _ABOVE_RIGHT * pixels[:-1, 1:] +
                  _BELOW_LEFT * pixels[1:, :-1] +
                  _BELOW_RIGHT * pixels[1:, 1:])
        places.append(np.argwhere(_TURNS[around]))
        codes.append(around[_TURNS[around]])
    counts = [len(part) for part in places]
    cell = np.repeat(np.arange(len(counts)), counts)
    code = np.concatenate([np.zeros(0, np.uint8), *codes])
    xy = np.concatenate([np.zeros((0, 2), np.int64), *places])[:, ::-1]
    xy = xy + np.asarray(corners, np.int64)[cell]
    times = 1 + np.isin(code, _SADDLES)
    return np.repeat(cell, times), np.repeat(xy, times, 0), np.repeat(
        code, times)


def _link(cell: np.ndarray, xy: np.ndarray, code: np.ndarray) -> np.ndarray:
    """The turn that follows each, with the mask on the right hand.

    Along a row of corners, the turns in order are the ends of edges: the
    first and second of one, the third and fourth of the next. So along a
    column.
    """
    copy = np.zeros(len(cell), np.int64)
    copy[1:] = (cell[1:] == cell[:-1]) & (xy[1:] == xy[:-1]).all(axis=1)
    follows = np.empty(len(cell), np.int64)
    left, right = np.lexsort((copy, xy[:, 0], xy[:, 1], cell)).reshape(-1,
                                                                       2).T
    below = (code[left] & _BELOW_RIGHT) != 0
    follows[np.where(below, left, right)] = np.where(below, right, left)
    # Of two turns at a place, the one at the end of the edge from the left
    # takes the edge from above, or below, whichever goes round its pixel.
    flipped = np.where(code == _SADDLES[1], 1 - copy, copy)
    upper, lower = np.lexsort((flipped, xy[:, 1], xy[:, 0],
                               cell)).reshape(-1, 2).T
    left_of = (code[upper] & _BELOW_LEFT) != 0
    follows[np.where(left_of, upper, lower)] = np.where(
        left_of, lower, upper)
    return follows


def _simple_rings(ring: np.ndarray) -> List[np.ndarray]:
    """Split a ring where it comes back to a place."""
    if len(ring) < 8:  # twice a pixel's four corners
        return [ring]
    places = list(map(tuple, ring.tolist()))
    if len(set(places)) == len(places):
        return [ring]
    rings, path, where = [], [], {}
    for place in places:
        if place in where:
            start = where[place]
            rings.append(np.array(path[start:]))
            for left in path[start + 1:]:
                del where[left]
            del path[start + 1:]
        else:
            where[place] = len(path)
            path.append(place)
    return rings + [np.array(path)]


def _as_polygons(rings: List[np.ndarray]) -> List[Polygon]:
    """Holes behind the outer ring that they are in."""
    if len(rings) == 1:
        return [rings]
    outer = [ring for ring in rings if _signed_area(ring) > 0]
    polygons = [[ring] for ring in outer]
    areas = [shapely.Polygon(ring) for ring in outer]
    for hole in rings:
        if _signed_area(hole) < 0:
            inside = shapely.Polygon(hole).representative_point()
            owner = next(i for i, area in enumerate(areas)
                         if area.contains(inside))
            polygons[owner].append(hole)
    return polygons


def _signed_area(ring: np.ndarray) -> float:
    """Positive for a ring that runs clockwise as one sees it."""
    x, y = ring.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
