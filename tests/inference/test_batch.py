"""Every kind of image, good and bad, through one run."""
import errno
import importlib.util
import io
import json

import imageio.v3 as imageio
import numpy as np
import pytest
import roifile
import tifffile
from pycocotools.coco import COCO
from rich.console import Console

from pace_mmdet import files
from pace_mmdet.errors import UserError
from pace_mmdet.inference.batch import Batch, check_outputs
from pace_mmdet.inference.correcting import read_corrections
from pace_mmdet.inference.inputs import plan_jobs
from pace_mmdet.inference.writers import FORMATS as EVERY_FORMAT
from pace_mmdet.testing import synthetic_cells

# One needs a package of an extra.
FORMATS = [name for name in EVERY_FORMAT
           if name != 'zarr' or importlib.util.find_spec('zarr')]
IMG = np.where(synthetic_cells(12, 60, 90).image > 100, 220, 10).astype(
    np.uint8)
COUNT = 12
NOTHING = np.full((20, 20), 7, np.uint16)


def stack(*planes):
    return np.stack(planes)


GOOD = {
    # name: image, tifffile's options, numbers of cells of its planes
    '8 bit.tif': (IMG, {}, [COUNT]),
    'int16.tif': (IMG.astype(np.int16) * 99 - 9000, {}, [COUNT]),
    'uint16.tif': (IMG.astype(np.uint16) * 200, {}, [COUNT]),
    'uint32.tif': (IMG.astype(np.uint32) * 70000, {}, [COUNT]),
    'float.tif': (IMG.astype(np.float32) / 300 - 1, {}, [COUNT]),
    'double.tif': (IMG.astype(np.float64) * 1e9, {}, [COUNT]),
    'bits.tif': (IMG > 100, dict(photometric='minisblack'), [COUNT]),
    'pages.tif': (stack(IMG, IMG[::-1]), dict(photometric='minisblack'),
                  [COUNT, COUNT]),
    'time.tif': (stack(IMG, NOTHING.max() + 0 * IMG, IMG),
                 dict(imagej=True, metadata=dict(axes='TYX')),
                 [COUNT, 0, COUNT]),
    'four axes.ome.tif': (stack(IMG, IMG, IMG, IMG).reshape(2, 2, 60, 90),
                          dict(ome=True, metadata=dict(axes='TZYX')),
                          [COUNT] * 4),
    'tiled.tif': (IMG, dict(tile=(16, 16), compression='zlib'), [COUNT]),
    'lzw.tif': (IMG, dict(compression='lzw'), [COUNT]),
    'rgb.tif': (np.dstack([IMG] * 3), dict(photometric='rgb'), [COUNT]),
    'grey.png': (IMG, None, [COUNT]),
    'grey16.png': (IMG.astype(np.uint16) * 200, None, [COUNT]),
    'Größe 細胞.png': (np.dstack([IMG] * 3), None, [COUNT]),
    'photo.jpg': (IMG, None, [COUNT]),
    'constant.tif': (NOTHING, {}, [0]),
    'one wide.tif': (IMG[:, :1], {}, [0]),
    'one pixel.tif': (IMG[:1, :1], {}, [0]),
}
BAD = {
    # name: content, what is said
    'empty.tif': (b'', 'the file is empty'),
    'text.tif': (b'no image', 'cannot be read as an image'),
    'text too.png': (b'no image', 'cannot be read as an image'),
    'nan.tif': (np.full((9, 9), np.nan, np.float32), '81 of 81 values'),
    'channels.ome.tif': (np.zeros((2, 2, 2, 9, 9), np.uint8),
                         'has 2 channels; say which one to segment with '
                         '--channel 0 ... 1'),
}


@pytest.fixture
def run(tmp_path, threshold_segmenter):
    """Function (inputs, **options) -> summary and what was printed."""

    def call(inputs, formats=('labels', ), **options):
        segmenter = threshold_segmenter('percentile', batch_size=2)
        text = io.StringIO()
        batch = Batch(segmenter, formats, console=Console(
            file=text, width=200), **options)
        return batch.run(plan_jobs(inputs, tmp_path / 'out')), text.getvalue()

    return call


def test_what_an_annotator_said_of_images(tmp_path, run):
    """One cell is rejected, one has a box, one scores too little."""
    write(tmp_path / 'in', {name: (IMG, {}) for name in ('a.tif', 'b.tif')})
    before, _ = run([tmp_path / 'in'], ['coco'])
    assert before.cells == 2 * COUNT
    found = json.loads((tmp_path / 'out/a_coco.json').read_text())
    boxes = [ann['bbox'] for ann in found['annotations']]
    name = str((tmp_path / 'in/a.tif').resolve())
    path = tmp_path / 'c.json'
    path.write_text(json.dumps(dict(images={name: dict(
        boxes=[boxes[0], [0, 0, 2, 2]], rejected=[boxes[1]])})))
    summary, text = run([tmp_path / 'in'], ['coco'], overwrite=True,
                        correcting=read_corrections(path, 0.))
    assert summary.cells == 2 * COUNT - 1
    assert '1 boxes of the annotator have no cell' in text
    after = json.loads((tmp_path / 'out/a_coco.json').read_text())
    assert [ann['bbox'] for ann in after['annotations']] == [
        box for box in boxes if box != boxes[1]]
    # With a threshold that no cell reaches only the one with the box is left.
    summary, _ = run([tmp_path / 'in'], ['coco'], overwrite=True,
                     correcting=read_corrections(path, 1.1))
    assert summary.cells == 1


def test_what_was_said_is_of_one_plane(tmp_path, run):
    for name in 'ab':
        tifffile.imwrite(tmp_path / f'{name}.tif', stack(IMG, IMG),
                         photometric='minisblack')
    path = tmp_path / 'c.json'
    name = str((tmp_path / 'a.tif').resolve())
    path.write_text(json.dumps(dict(images={name: {}})))
    said = read_corrections(path, 0.)
    summary, _ = run([f'{tmp_path}/*.tif'], correcting=said)
    assert summary.cells == 2 * COUNT  # of b.tif
    assert 'has 2 planes' in summary.failed[0]
    assert '--page' in summary.failed[0]
    summary, _ = run([tmp_path / 'a.tif'], correcting=said, page=1)
    assert summary.cells == COUNT


@pytest.mark.parametrize('content', [None, '{', '[]', '{"images": {"a": 1}}'])
def test_corrections_that_are_none(tmp_path, content):
    if content is not None:
        (tmp_path / 'c.json').write_text(content)
    with pytest.raises(UserError, match='no file of corrections'):
        read_corrections(tmp_path / 'c.json', 0.2)


def write(folder, kinds):
    folder.mkdir(parents=True, exist_ok=True)
    for name, (img, options, *_) in kinds.items():
        if isinstance(img, bytes):
            (folder / name).write_bytes(img)
        elif isinstance(options, dict):
            tifffile.imwrite(folder / name, img, **options)
        elif name.endswith('.tif'):
            ome = dict(ome=True, metadata=dict(
                axes='TZCYX')) if '.ome' in name else {}
            tifffile.imwrite(folder / name, img, **ome)
        else:
            imageio.imwrite(folder / name, img)


def test_every_kind_in_one_run(tmp_path, run):
    write(tmp_path / 'in', GOOD)
    write(tmp_path / 'in', BAD)
    truncated = tmp_path / 'in' / 'truncated.tif'
    tifffile.imwrite(truncated, stack(IMG, IMG), photometric='minisblack')
    truncated.write_bytes(truncated.read_bytes()[:9000])
    summary, text = run([tmp_path / 'in'], list(FORMATS))

    assert len(summary.done) == len(GOOD)
    assert summary.cells == sum(sum(counts) for _, _, counts in GOOD.values())
    faults = {**BAD, 'truncated.tif': (b'', 'cannot be read as an image')}
    assert len(summary.failed) == len(faults)
    for name, (_, said) in faults.items():
        message, = [text for text in summary.failed if f'/{name}:' in text
                    or f'/{name}, plane 0:' in text]
        assert said in message
    out = tmp_path / 'out'
    for name, (img, _, counts) in GOOD.items():
        stem = name.partition('.')[0]
        if img.ndim < 4 and img.shape[-1] == 3:
            img = img[..., 0]
        labels = tifffile.imread(out / f'{stem}_labels.tif')
        assert labels.shape == img.shape
        found = [plane.max() for plane in labels.reshape(-1, *img.shape[-2:])]
        assert found == counts
        data = COCO(str(out / f'{stem}_coco.json'))
        assert len(data.imgs) == len(counts)
        assert len(data.anns) == sum(counts)
        COCO(str(out / f'{stem}_coco_polygons.json'))
        results = json.loads((out / f'{stem}_coco_results.json').read_text())
        assert len(results) == sum(counts)
        if results:
            data.loadRes(str(out / f'{stem}_coco_results.json'))
            rois = roifile.roiread(out / f'{stem}_rois.zip')
            assert len(rois) == sum(counts)
        table = (out / f'{stem}_cells.csv').read_text().splitlines()
        assert len(table) == 1 + sum(counts)
        shapes = json.loads((out / f'{stem}.geojson').read_text())['features']
        assert len(shapes) == sum(counts)
        assert len(list(out.glob(f'{stem}_overlay*.png'))) == len(counts)
    for name in faults:
        stem = name.partition('.')[0]
        assert not list(out.glob(f'{stem}_*'))
    assert not list(out.glob('.*'))


def test_a_channel(tmp_path, run):
    channels = np.zeros((2, 3, 60, 90), np.uint8)
    channels[:, 1] = IMG
    tifffile.imwrite(tmp_path / 'a.ome.tif', channels, ome=True,
                     metadata=dict(axes='TCYX'))
    tifffile.imwrite(tmp_path / 'b.tif', IMG)
    summary, _ = run([f'{tmp_path}/*.tif'], channel=1)
    assert tifffile.imread(tmp_path / 'out/a_labels.tif').shape == (2, 60, 90)
    assert summary.cells == 2 * COUNT
    assert 'channel 1 is not in the file' in summary.failed[0]


def test_existing_results(tmp_path, run):
    write(tmp_path / 'in', {'a.tif': (IMG, {}), 'b.tif': (IMG, {})})
    run([tmp_path / 'in/a.tif'])
    labels = tmp_path / 'out/a_labels.tif'
    before = labels.stat().st_mtime_ns
    jobs = plan_jobs([tmp_path / 'in'], tmp_path / 'out')
    with pytest.raises(UserError, match='1 results exist already, the first '
                       'is .*a_labels.tif'):
        check_outputs(jobs, ['labels'])
    summary, _ = run([tmp_path / 'in'])  # as if it had appeared since
    assert len(summary.done) == 1 and 'exists already' in summary.failed[0]
    assert labels.stat().st_mtime_ns == before

    summary, _ = run([tmp_path / 'in'], ['labels', 'csv'], skip_existing=True)
    assert len(summary.done) == 2  # both lacked the table
    assert labels.stat().st_mtime_ns == before
    summary, _ = run([tmp_path / 'in'], ['labels', 'csv'], skip_existing=True)
    assert (len(summary.done), len(summary.skipped)) == (0, 2)
    summary, _ = run([tmp_path / 'in'], overwrite=True)
    assert len(summary.done) == 2
    assert labels.stat().st_mtime_ns > before


def test_no_input_is_replaced(tmp_path):
    write(tmp_path, {'a.tif': (IMG, {}), 'a_labels.tif': (IMG, {})})
    jobs = plan_jobs([f'{tmp_path}/*.tif'], tmp_path)
    with pytest.raises(UserError, match='a_labels.tif is an input'):
        check_outputs(jobs, ['labels'], may_exist=True)
    check_outputs(jobs, ['csv'])
    write(tmp_path, {'a_overlay_000.png': (IMG, {})})
    jobs = plan_jobs([f'{tmp_path}/a*'], tmp_path)
    with pytest.raises(UserError, match='a_overlay_000.png is an input'):
        check_outputs(jobs, ['overlay'], may_exist=True)


def test_pictures_of_a_stack_that_are_there_stay(tmp_path, run):
    tifffile.imwrite(tmp_path / 'a.tif', stack(IMG, IMG),
                     photometric='minisblack')
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out/a_overlay_000.png').write_text('of yesterday')
    jobs = plan_jobs([tmp_path / 'a.tif'], tmp_path / 'out')
    check_outputs(jobs, ['overlay'], may_exist=True)
    check_outputs(jobs, ['labels'])
    with pytest.raises(UserError, match='1 results exist already, the first '
                       'is .*a_overlay_000.png'):
        check_outputs(jobs, ['overlay'])
    summary, _ = run([tmp_path / 'a.tif'], ['overlay'])
    assert 'a_overlay_000.png exists already' in summary.failed[0]
    run([tmp_path / 'a.tif'], ['overlay'], skip_existing=True)
    assert (tmp_path / 'out/a_overlay_000.png').read_text() == 'of yesterday'
    assert (tmp_path / 'out/a_overlay_001.png').stat().st_size > 1000


def test_a_full_disk(tmp_path, run, monkeypatch):
    write(tmp_path / 'in', {f'{n}.tif': (IMG, {}) for n in range(4)})
    synced = []

    def fsync(number):
        synced.append(number)
        if len(synced) > 2:
            raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(files.os, 'fsync', fsync)
    with pytest.raises(UserError, match='2_labels.tif: not written, the disk '
                       'is full.*--skip-existing'):
        run([tmp_path / 'in'])
    out = tmp_path / 'out'
    assert sorted(path.name for path in out.iterdir()) == [
        '0_labels.tif', '1_labels.tif'
    ]
    monkeypatch.undo()
    summary, _ = run([tmp_path / 'in'], skip_existing=True)
    assert (len(summary.done), len(summary.skipped)) == (2, 2)


def test_one_format_that_cannot_be_written(tmp_path, run, monkeypatch):
    write(tmp_path / 'in', {'a.tif': (IMG, {}), 'b.tif': (IMG, {})})
    monkeypatch.setattr('pace_mmdet.inference.writers.imagej_rois.MOST_PIXELS',
                        50)
    summary, _ = run([tmp_path / 'in'], ['roi', 'labels'])
    assert len(summary.failed) == 2 and not summary.done
    assert 'not written: _rois.zip: ImageJ ROIs' in summary.failed[0]
    assert len(list((tmp_path / 'out').iterdir())) == 2


@pytest.mark.parametrize('error', [
    RuntimeError('CUDA out of memory. Tried to allocate ...'), MemoryError()
])
def test_out_of_memory(tmp_path, run, monkeypatch, error):
    write(tmp_path / 'in', {'a.tif': (IMG, {})})

    def fail(*_):
        raise error

    monkeypatch.setattr('pace_mmdet.inference.thresholding.ThresholdDetector.'
                        '__call__', fail)
    with pytest.raises(UserError, match='smaller --batch-size'):
        run([tmp_path / 'in'])


def test_what_is_said(tmp_path, run):
    write(tmp_path / 'in', {'[a].tif': (IMG, {})})
    long = np.zeros((40, 300), np.uint8)
    long[10:20, 5:290] = 200
    tifffile.imwrite(tmp_path / 'in/long.tif', long)
    _, text = run([tmp_path / 'in'])
    assert '[a].tif' in text and '90 x 60' in text and '12 cells' in text
    assert '1 cells are larger than the overlap' in text


def test_unknown_format(threshold_segmenter):
    for formats in (['labels', 'roii'], []):
        with pytest.raises(UserError, match='expected some of labels,coco'):
            Batch(threshold_segmenter(), formats)


def test_one_page_of_stacks(tmp_path, run):
    tifffile.imwrite(tmp_path / 'a.tif', stack(IMG * 0, IMG),
                     photometric='minisblack')
    summary, _ = run([tmp_path / 'a.tif'], page=1)
    assert summary.cells == COUNT
    assert tifffile.imread(tmp_path / 'out/a_labels.tif').shape == IMG.shape
    summary, _ = run([tmp_path / 'a.tif'], page=2, overwrite=True)
    assert 'page 2 is not in the file, which holds 2' in summary.failed[0]


@pytest.mark.parametrize('axes, channel, roi', [
    ('TYX', None, dict(position=3, t_position=0)),
    ('TCYX', 1, dict(position=0, t_position=3)),
])
def test_results_of_one_page_name_it(tmp_path, run, axes, channel, roi):
    planes = stack(IMG * 0, IMG * 0, IMG)
    if channel:
        planes = np.stack([planes * 0, planes], axis=1)
    tifffile.imwrite(tmp_path / 'a.tif', planes, imagej=True,
                     metadata=dict(axes=axes))
    run([tmp_path / 'a.tif'], FORMATS, page=2, channel=channel)
    out = tmp_path / 'out'
    image, = json.loads((out / 'a_coco.json').read_text())['images']
    assert image['page'] == 2
    head, first = (out / 'a_cells.csv').read_text().splitlines()[:2]
    assert head.startswith('file,plane,t,label')
    assert first.startswith('a.tif,2,2,1')
    found = roifile.roiread(out / 'a_rois.zip')[0]
    assert found.name == '0003-00001'
    assert {key: getattr(found, key) for key in roi} == roi
    shape = json.loads((out / 'a.geojson').read_text())['features'][0]
    assert shape['geometry']['plane'] == dict(c=-1, z=0, t=2)
    assert tifffile.imread(out / 'a_labels.tif').shape == IMG.shape
    if 'zarr' in FORMATS:
        import zarr
        table = zarr.open(str(out / 'a_labels.zarr/tables/cells'), mode='r')
        assert set(table['obs/plane'][:]) == {2}


def test_remarks_on_intensities(tmp_path, run):
    holes = IMG.astype(np.float32)
    holes[:2, :3] = np.nan
    tifffile.imwrite(tmp_path / 'holes.tif', holes)
    tifffile.imwrite(tmp_path / 'noise.tif', np.random.default_rng(0).normal(
        500, 10, (60, 90)).astype(np.uint16))
    summary, text = run([f'{tmp_path}/*.tif'])
    assert len(summary.done) == 2
    assert 'warning: 6 of 5400 values are NaN or infinite' in text
    assert 'is hardly more than its noise' in text
