"""A slide's rows one by one give what all of its tiles at once do."""
import numpy as np
import pytest

from pace_mmdet.inference.merging import belonging, drop_hidden, merge_tiles
from pace_mmdet.inference.spool import SpoolIndex, SpoolWriter, read_record
from pace_mmdet.inference.stitching import Measured, Stitcher
from pace_mmdet.inference.tiling import plan_tiles

from .conftest import cells_of, random_masks

HEIGHT, WIDTH = 150, 110
LAYOUT = plan_tiles(HEIGHT, WIDTH, 40, 16)


def areas(cells):
    return np.stack([cells.areas, cells.scores], 1).astype(float)


def tiles_of(masks, scores, jitter=0, seed=0):
    """What each tile sees of cells: their part in it, perhaps not alike."""
    rng = np.random.default_rng(seed)
    tiles = []
    for tile in LAYOUT.tiles():
        seen, kept = [], []
        for mask, score in zip(masks, scores):
            part = np.zeros_like(mask)
            part[tile.y1:tile.y2, tile.x1:tile.x2] = mask[
                tile.y1:tile.y2, tile.x1:tile.x2]
            if jitter and rng.random() < jitter:
                part &= rng.random(part.shape) > 0.2
                score = rng.choice((0.5, 0.7, score))
            if part.any() and rng.random() >= jitter / 4:
                seen.append(part)
                kept.append(score)
        tiles.append(cells_of(seen, kept, (HEIGHT, WIDTH)))
    return tiles


def stitched(tiles, batches=None):
    stitcher = Stitcher(LAYOUT, areas)
    parts, columns = [], len(LAYOUT.columns)
    for row in range(len(LAYOUT.rows)):
        found = []
        for index in range(row * columns, (row + 1) * columns):
            owned = tiles[index][belonging(tiles[index], index, LAYOUT)[0]]
            found.append(Measured(owned, areas(owned)))
        parts.append(stitcher.add_row(row, found))
    return parts, stitcher


@pytest.mark.parametrize('seed', range(6))
@pytest.mark.parametrize(('count', 'side', 'jitter'), [
    (0, 10, 0), (1, 30, 0), (150, 8, 0), (60, 14, 0.3), (25, 50, 0.3),
    (8, 110, 0.1)])
def test_the_same_cells_and_numbers(count, side, jitter, seed):
    rng = np.random.default_rng(seed)
    masks = []
    for small in random_masks(count, side, side, seed):
        mask = np.zeros((HEIGHT, WIDTH), bool)
        h, w = small.shape
        y, x = rng.integers(0, (HEIGHT - h + 1, WIDTH - w + 1))
        mask[y:y + h, x:x + w] = small
        masks.append(mask)
    scores = rng.choice((0.5, 0.6, 0.9), count)
    tiles = tiles_of(masks, scores, jitter, seed)
    whole, joined = merge_tiles(tiles, LAYOUT)
    boxes = whole.mask_boxes
    whole = drop_hidden(whole[np.lexsort((boxes[:, 0], boxes[:, 1]))])

    parts, stitcher = stitched(tiles)
    assert stitcher.joined == joined
    crops = [crop for part in parts for crop in part.cells.crops]
    assert len(crops) == len(whole)
    for name in ('bboxes', 'scores', 'labels', 'corners'):
        found = np.concatenate([getattr(part.cells, name) for part in parts])
        assert np.array_equal(found, getattr(whole, name)), name
    assert all(map(np.array_equal, crops, whole.crops))
    values = np.concatenate([part.values for part in parts])
    assert np.array_equal(values, areas(whole))


def test_little_is_held():
    masks = []
    for y in range(2, HEIGHT - 8, 12):
        for x in range(2, WIDTH - 8, 12):
            mask = np.zeros((HEIGHT, WIDTH), bool)
            mask[y:y + 6, x:x + 6] = True
            masks.append(mask)
    parts, stitcher = stitched(tiles_of(masks, np.full(len(masks), 0.5)))
    assert sum(map(len, parts)) == len(masks)
    assert all(len(part) for part in parts)
    assert not sum(len(held) for held in (
        *stitcher._pieces, *stitcher._unsure, *stitcher._last))


def test_a_spool_gives_back_what_was_whole(tmp_path):
    cells = cells_of(random_masks(9, 20, 30))
    found = Measured(cells, areas(cells))
    writer = SpoolWriter(tmp_path / 'tiles-0.log')
    writer.append(4, found, note=7)
    writer.append(2, found[:0])
    writer.append(3, found[[0]])
    writer.close()
    content = (tmp_path / 'tiles-0.log').read_bytes()
    # Killed while it wrote; and a disk that lost what it was given.
    (tmp_path / 'tiles-1.log').write_bytes(content[:-1])
    broken = bytearray(content)
    broken[100] ^= 1
    (tmp_path / 'tiles-2.log').write_bytes(broken)
    index = SpoolIndex(tmp_path, 'tiles-0.log').records
    assert sorted(index) == [2, 3, 4] and index[4].note == 7
    growing = SpoolIndex(tmp_path, 'tiles-1.log')
    assert sorted(growing.records) == [2, 4]
    with open(tmp_path / 'tiles-1.log', 'ab') as file:
        file.write(content[-1:])
    growing.update()
    assert sorted(growing.records) == [2, 3, 4]
    assert not SpoolIndex(tmp_path, 'tiles-2.log').records
    for number, rows in ((4, slice(None)), (2, slice(0)), (3, slice(1))):
        back, wanted = read_record(index[number], 20, 30), found[rows]
        assert np.array_equal(back.cells.bboxes, wanted.cells.bboxes)
        assert np.array_equal(back.cells.scores, wanted.cells.scores)
        assert np.array_equal(back.values, wanted.values)
        assert len(back) == len(wanted)
        assert all(map(np.array_equal, back.cells.crops, wanted.cells.crops))
