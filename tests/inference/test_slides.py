"""Slides in parts give what the whole image gives."""
import csv
import json
import shutil

import numpy as np
import pytest
import tifffile
from rich.console import Console

from pace_mmdet.errors import UserError
from pace_mmdet.images.stacks import ImageStack
from pace_mmdet.inference import (load_segmenter, painting, slide_cells,
                                  slides, writers)
from pace_mmdet.inference.batch import Batch
from pace_mmdet.inference.inputs import plan_jobs
from pace_mmdet.inference.slide_batch import SlideBatch
from pace_mmdet.inference.writers import imagej_rois
from pace_mmdet.testing import synthetic_cells

from .networks import save_untrained

IMG = np.maximum(synthetic_cells(60, 300, 260).image.astype(int) - 70, 0)
IMG = (IMG * 200).astype(np.uint16)
# Larger than the tiles' overlap, and one that reaches over three tiles.
IMG[40:75, 30:220] = 30000
IMG[100:240, 128:134] = 30000
IMG[260:, :] = 0
QUIET = Console(quiet=True)


@pytest.fixture
def small(monkeypatch):
    """Everything is large."""
    monkeypatch.setattr(slides, 'SLIDE_PIXELS', 1000)
    monkeypatch.setattr(slide_cells, '_BAND', 7)
    monkeypatch.setattr(painting, 'BLOCK', 64)


def write(path, img=IMG, levels=1, **options):
    with tifffile.TiffWriter(path) as tif:
        for level in range(levels):
            part = img[..., ::2**level, ::2**level]
            tif.write(part, tile=(32, 48), compression='zlib',
                      photometric='minisblack',
                      subifds=0 if level else levels - 1,
                      subfiletype=int(level > 0), **options)
    return path


def run(segmenter, path, out, formats, slide=True, **options):
    kind = SlideBatch if slide else Batch
    batch = kind(segmenter, formats, console=QUIET, **options)
    return batch.run(plan_jobs([path], out))


def table(path):
    with open(path, newline='', encoding='utf-8') as file:
        return list(csv.reader(file))


FORMATS = ['labels', 'csv', 'geojson', 'coco', 'roi', 'overlay']


@pytest.mark.parametrize('img', [IMG, np.stack([IMG, IMG[::-1]]), 0 * IMG],
                         ids=['plane', 'stack', 'nothing'])
@pytest.mark.parametrize('normalize', ['percentile', 'livecell'])
def test_the_same_as_of_the_whole_image(tmp_path, monkeypatch,
                                        threshold_segmenter, img, normalize):
    if normalize == 'livecell':
        img = img // 2 + 9000
    segmenter = threshold_segmenter(
        normalize, threshold=100 if normalize == 'percentile' else 150,
        batch_size=3)
    path = write(tmp_path / 'a.tif', img)
    whole = run(segmenter, path, tmp_path / 'whole', FORMATS, slide=False)
    assert not whole.failed
    monkeypatch.setattr(slides, 'SLIDE_PIXELS', 1000)
    monkeypatch.setattr(slide_cells, '_BAND', 7)
    monkeypatch.setattr(painting, 'BLOCK', 64)
    postponed = run(segmenter, path, tmp_path / 'parts', FORMATS, slide=False)
    assert [job.path for job in postponed.slides] == [path]
    assert not postponed.done
    parts = run(segmenter, path, tmp_path / 'parts', FORMATS)
    assert parts.done == whole.done and not parts.failed
    assert parts.cells == whole.cells
    assert parts.cells > 50 or not img.any() or normalize == 'livecell'
    one, other = tmp_path / 'whole', tmp_path / 'parts'
    assert sorted(p.name for p in one.iterdir()) == sorted(
        p.name for p in other.iterdir())
    assert np.array_equal(tifffile.imread(one / 'a_labels.tif'),
                          tifffile.imread(other / 'a_labels.tif'))
    assert table(one / 'a_cells.csv') == table(other / 'a_cells.csv')
    for picture in one.glob('*.png'):
        assert picture.read_bytes() == (
            other / picture.name).read_bytes()
    for name in ('a.geojson', 'a_coco.json', 'a_coco_results.json'):
        assert json.loads((one / name).read_text()) == json.loads(
            (other / name).read_text())


def test_a_network_sees_a_slide_as_an_image(tmp_path, monkeypatch):
    save_untrained(tmp_path / 'x.pth')
    segmenter = load_segmenter(tmp_path / 'x.pth', score_thr=0.,
                               tile_size=192, overlap=40)
    path = write(tmp_path / 'a.tif', np.tile(IMG[:260], (1, 2)))
    whole = run(segmenter, path, tmp_path / 'whole', FORMATS, slide=False)
    monkeypatch.setattr(slides, 'SLIDE_PIXELS', 1000)
    parts = run(segmenter, path, tmp_path / 'parts', FORMATS)
    assert parts.cells == whole.cells > 20
    assert np.array_equal(*(tifffile.imread(
        tmp_path / folder / 'a_labels.tif') for folder in ('whole', 'parts')))
    assert table(tmp_path / 'whole/a_cells.csv') == table(
        tmp_path / 'parts/a_cells.csv')


def test_label_pyramid(tmp_path, small, threshold_segmenter):
    run(threshold_segmenter('percentile'), write(tmp_path / 'a.tif'),
        tmp_path, ['labels'])
    with tifffile.TiffFile(tmp_path / 'a_labels.tif') as tif:
        assert tif.is_ome and tif.is_bigtiff
        levels = [level.asarray() for level in tif.series[0].levels]
    assert [level.shape for level in levels] == [
        (300, 260), (150, 130), (75, 65), (38, 33)]
    for number, level in enumerate(levels):
        assert np.array_equal(level, levels[0][::2**number, ::2**number])


def test_a_level_of_the_pyramid(tmp_path, small, monkeypatch,
                                threshold_segmenter):
    """Half the size is enough where half the size is asked for."""
    big = IMG.repeat(2, 0).repeat(2, 1)[:-1]
    levels = []
    read = slides.PlaneWindows.read
    monkeypatch.setattr(slides.PlaneWindows, 'read', lambda self, *place: (
        levels.append(place[4]), read(self, *place))[1])
    run(threshold_segmenter('percentile', scale=0.5, score_thr=0),
        write(tmp_path / 'a.tif', big, levels=3), tmp_path,
        ['labels', 'csv'])
    assert set(levels) == {1}
    run(threshold_segmenter('percentile', score_thr=0),
        write(tmp_path / 'b.tif'), tmp_path, ['labels', 'csv'])
    found = tifffile.imread(tmp_path / 'a_labels.tif')
    small = tifffile.imread(tmp_path / 'b_labels.tif')
    assert np.array_equal(found, small.repeat(2, 0).repeat(2, 1)[:-1])
    one, other = table(tmp_path / 'a_cells.csv'), table(
        tmp_path / 'b_cells.csv')
    assert len(one) == len(other) > 50
    means = one[0].index('mean_intensity')
    assert [row[means] for row in one] == [row[means] for row in other]


class Stopped(Exception):
    """As if the process were killed."""


class Counting:
    """A detector that counts its calls, and stops after some."""
    step = 1

    def __init__(self, detector, most=1000):
        self.detector, self.identity = detector, detector.identity
        self.calls, self.most = 0, most

    def __call__(self, tiles, factor):
        if self.calls == self.most:
            raise Stopped
        self.calls += 1
        return self.detector(tiles, factor)


@pytest.mark.parametrize('after', [0, 1, 5, 17])
def test_a_stopped_run_goes_on(tmp_path, small, threshold_segmenter, after):
    path, calls = write(tmp_path / 'a.tif'), {}

    def go(folder, most=1000):
        segmenter = threshold_segmenter('percentile')
        segmenter.detector = Counting(segmenter.detector, most)
        try:
            run(segmenter, path, tmp_path / folder, ['labels', 'csv'])
        finally:
            calls.setdefault(folder, []).append(segmenter.detector.calls)

    go('whole')
    with pytest.raises(Stopped):
        go('out', after)
    assert [p.name for p in (tmp_path / 'out').iterdir()] == ['a.unfinished']
    go('out')
    # No tile was seen twice.
    assert calls['out'][0] == after and sum(calls['out']) == calls['whole'][0]
    assert table(tmp_path / 'out/a_cells.csv') == table(
        tmp_path / 'whole/a_cells.csv')
    assert np.array_equal(*(tifffile.imread(
        tmp_path / folder / 'a_labels.tif') for folder in ('out', 'whole')))
    assert not list((tmp_path / 'out').glob('*.unfinished'))


@pytest.mark.parametrize('groups', [0, 1, 7, 1000])
@pytest.mark.parametrize('processes', [1, 2, 64])
def test_parts_of_the_work_get_shorter(groups, processes):
    found = slide_cells._units([[number] for number in range(groups)],
                               processes)
    assert [group for part in found for group in part] == [
        [number] for number in range(groups)]
    sizes = [len(part) for part in found]
    assert sizes == sorted(sizes, reverse=True) and 0 not in sizes
    # So all end together, but for one of the shortest.
    assert not sizes or sizes[-1] <= 1 + groups / (32 * processes)
    assert len(sizes) <= 64 * processes


def test_other_settings_do_not_go_on(tmp_path, small, monkeypatch,
                                     threshold_segmenter):
    path = write(tmp_path / 'a.tif')
    monkeypatch.setattr(slides.Merger, 'end', lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(threshold_segmenter('percentile'), path, tmp_path, ['csv'])
    monkeypatch.undo()
    monkeypatch.setattr(slides, 'SLIDE_PIXELS', 1000)
    other = threshold_segmenter('percentile', threshold=90, score_thr=0.5)
    with pytest.raises(UserError, match='the model and the score threshold '
                       'was another then.*--overwrite'):
        run(other, path, tmp_path, ['csv'])
    assert run(other, path, tmp_path, ['csv'], overwrite=True).done
    assert (tmp_path / 'a_cells.csv').exists()


def test_another_page_does_not_go_on(tmp_path, small, monkeypatch,
                                     threshold_segmenter):
    path = write(tmp_path / 'a.tif', np.stack([IMG, IMG[::-1]]))
    segmenter = threshold_segmenter('percentile')
    with monkeypatch.context() as patch:
        patch.setattr(slides.Merger, 'end', lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(segmenter, path, tmp_path, ['csv'], page=0)
    with pytest.raises(UserError, match='the page was another then'):
        run(segmenter, path, tmp_path, ['csv'], page=1)
    assert run(segmenter, path, tmp_path, ['csv'], page=0).done


def test_what_fails_is_said(tmp_path, small, monkeypatch,
                            threshold_segmenter):
    monkeypatch.setattr(slides, 'PICTURE_PIXELS', 2000)
    segmenter = threshold_segmenter('percentile')
    path = write(tmp_path / 'a.tif')
    failed, = run(segmenter, path, tmp_path, ['csv', 'overlay']).failed
    assert 'too large for one picture' in failed
    with monkeypatch.context() as patch:
        patch.setattr(imagej_rois, 'MOST_PIXELS', 299)
        failed, = run(segmenter, path, tmp_path, ['csv', 'roi']).failed
    assert "too large for ImageJ's ROIs; leave roi out of --fo" in failed
    assert [file.name for file in tmp_path.iterdir()] == ['a.tif']

    def refuse(*_):
        raise ValueError('no such place')

    with monkeypatch.context() as patch:
        patch.setitem(writers._FILES, 'geojson', (
            writers.Output('.geojson', refuse), ))
        failed, = run(segmenter, path, tmp_path, ['geojson', 'csv']).failed
    assert 'not written: geojson: no such place' in failed
    assert (tmp_path / 'a_cells.csv').exists()
    (tmp_path / 'a_cells.csv').unlink()
    shutil.rmtree(tmp_path / 'a.unfinished')
    failed, = run(threshold_segmenter('none'), path, tmp_path,
                  ['csv']).failed
    assert "normalize='none' takes 8-bit images" in failed
    shutil.rmtree(tmp_path / 'a.unfinished')
    content = path.read_bytes()
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[0].dataoffsets[30]
    path.write_bytes(content[:offset] + b'broken' + content[offset + 6:])
    failed, = run(segmenter, path, tmp_path, ['csv']).failed
    assert 'broken or misnamed' in failed


def test_only_what_is_missing(tmp_path, small, threshold_segmenter):
    segmenter = threshold_segmenter('percentile')
    path = write(tmp_path / 'a.tif')
    run(segmenter, path, tmp_path, ['csv'])
    (tmp_path / 'a_cells.csv').write_text('mine')
    run(segmenter, path, tmp_path, ['csv', 'labels'], skip_existing=True)
    assert (tmp_path / 'a_cells.csv').read_text() == 'mine'
    assert (tmp_path / 'a_labels.tif').exists()
    summary = run(segmenter, path, tmp_path, ['csv'], skip_existing=True)
    assert summary.skipped == [str(path)]


def test_a_large_sample_is_not_the_whole(tmp_path, small, monkeypatch,
                                         threshold_segmenter):
    """The intensities are those of the parts, found on no more than these."""
    monkeypatch.setattr('pace_mmdet.images.windows.SAMPLE_PIXELS', 5000)
    monkeypatch.setattr('pace_mmdet.images.windows._SAMPLE_SIDE', 16)
    with ImageStack(write(tmp_path / 'a.tif')) as stack:
        plan, sample = slides.plan_slide(threshold_segmenter('percentile'),
                                         stack.windows(0))
    assert sample.size < 5000 and plan.scaling.factor > 0
