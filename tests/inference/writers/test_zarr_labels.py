"""OME-Zarr labels: the standard's names, and what others' readers see."""
import dataclasses
import json
import sys

import numpy as np
import pytest

from pace_mmdet.errors import UserError
from pace_mmdet.images.planes import PixelSize
from pace_mmdet.images.stacks import ImageStack, read_image
from pace_mmdet.inference import painting
from pace_mmdet.inference.batch import Batch
from pace_mmdet.inference.inputs import plan_jobs
from pace_mmdet.inference.writers import outputs_of
from pace_mmdet.inference.writers.measurements import (
    COLUMNS, intensities_of, measure)
from pace_mmdet.testing import synthetic_cells

zarr = pytest.importorskip('zarr', reason='the extra "formats" is missing')
from tests.images.test_ome_zarr import write_image  # noqa: E402


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(painting, 'BLOCK', 16)


def write(found, path):
    output, = outputs_of('zarr', found.shape)
    output.write(found, path)
    return zarr.open_group(str(path), mode='r')


def test_labels_of_a_stack(tmp_path, found_in):
    found = found_in(5, 0, 4, pixel_size=PixelSize(0.5, 0.25))
    root = write(found, tmp_path / 'a_labels.zarr')
    assert root['labels'].attrs['labels'] == ['cells']
    cells = root['labels/cells']
    multiscale, = cells.attrs['multiscales']
    assert cells.attrs['image-label']['source'] == dict(image='../../')
    assert [axis['name'] for axis in multiscale['axes']] == ['t', 'y', 'x']
    whole = np.stack([plane.label_image() for plane in found.planes])
    for level, dataset in enumerate(multiscale['datasets']):
        scale, = dataset['coordinateTransformations']
        assert scale['scale'] == [1, 0.25 * 2**level, 0.5 * 2**level]
        assert np.array_equal(cells[dataset['path']],
                              whole[:, ::2**level, ::2**level])
    # The outer group shows the same to who looks for an image.
    outer, = root.attrs['multiscales']
    assert [dataset['path'] for dataset in outer['datasets']] == [
        f'labels/cells/{level}' for level in range(len(outer['datasets']))]
    with ImageStack(tmp_path / 'a_labels.zarr') as stack:
        assert (stack.axes, stack.shape) == ('T', (3, ))
        assert stack.pixel_size == found.pixel_size
        assert np.array_equal(stack.read(2), whole[2])
    # Of the plane without cells nothing is stored.
    assert not (tmp_path / 'a_labels.zarr/labels/cells/0/1').exists()


def test_the_table(tmp_path, found_in):
    found = found_in(3, 2)
    table = write(found, tmp_path / 'a.zarr')['tables/cells']
    assert table.attrs['encoding-type'] == 'anndata'
    names = table['var/_index'][:].tolist()
    assert table['obs/label'][:].tolist() == [1, 2, 3, 1, 2]
    assert table['obs/plane'][:].tolist() == [0, 0, 0, 1, 1]
    assert table['obs/class/categories'][:].tolist() == ['cell']
    wanted = np.concatenate([
        measure(cells, intensities_of(cells, found.read(plane)))
        for plane, cells in enumerate(found.planes)])
    assert np.array_equal(table['X'][:], wanted[:, [
        COLUMNS.index(name) for name in names]])
    assert sorted([*names, 'label', 'class']) == sorted(COLUMNS)


@pytest.mark.parametrize('version', ['0.4', '0.5'])
def test_others_readers(tmp_path, found_in, version):
    reader = pytest.importorskip('ome_zarr.reader', reason='ome-zarr is not '
                                 'installed, to be read by')
    anndata = pytest.importorskip('anndata', reason='anndata is not '
                                  'installed, to be read by')
    from ome_zarr.io import parse_url
    found = found_in(5)
    if version == '0.5':
        found.path = tmp_path / 'image.zarr'
        zarr.open_group(str(found.path), mode='w', zarr_format=3)
    write(found, tmp_path / 'a.zarr')
    for start in ('', 'labels', 'labels/cells'):
        nodes = list(reader.Reader(parse_url(str(
            tmp_path / 'a.zarr' / start)))())
        labels, = [node for node in nodes if any(
            isinstance(spec, reader.Label) for spec in node.specs)]
        assert np.array_equal(labels.data[0].compute(),
                              found.planes[0].label_image())
    table = anndata.read_zarr(tmp_path / 'a.zarr/tables/cells')
    assert table.to_df()['area'].tolist() == found.planes[0].areas.tolist()


@pytest.mark.parametrize('version', ['0.4', '0.5'])
def test_opened_in_napari(tmp_path, found_in, version):
    """Through napari-ome-zarr: a pyramid of labels, of the pixels' size."""
    plugin = pytest.importorskip(
        'napari_ome_zarr', reason='napari-ome-zarr is not installed, to open '
        'it with')
    from napari.layers import Layer
    found = found_in(5, pixel_size=PixelSize(0.5, 0.25))
    found.path = tmp_path / 'image.zarr'
    root = zarr.open_group(str(found.path), mode='w',
                           zarr_format=2 if version == '0.4' else 3)
    write_image(root, synthetic_cells(3, 40, 50).image[None, None], version)
    write(found, tmp_path / 'a.zarr')
    image, *_ = plugin.napari_get_reader(str(found.path))(str(found.path))
    shown = [Layer.create(*layer) for layer in plugin.napari_get_reader(
        str(tmp_path / 'a.zarr'))(str(tmp_path / 'a.zarr'))]
    assert image[2] == 'image'
    # The outer group's picture is the label image, too.
    assert [layer._type_string for layer in shown] == ['image', 'labels']
    labels = shown[1]
    assert labels.multiscale and len(labels.data) > 1
    assert np.array_equal(np.asarray(labels.data[0]),
                          found.planes[0].label_image())
    assert labels.scale.tolist() == [0.25, 0.5]


def test_no_cells_and_what_is_there_already(tmp_path, found_in):
    write(found_in(4), tmp_path / 'a.zarr')
    root = write(found_in(0), tmp_path / 'a.zarr')
    assert not root['labels/cells/0'][:].any()
    assert root['tables/cells/X'].shape[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ['a.zarr']


def test_axes_that_the_standard_has_not(tmp_path, found_in):
    found = dataclasses.replace(found_in(1, 2, 3, 4), axes='QZ',
                                shape=(2, 2))
    cells = write(found, tmp_path / 'a.zarr')['labels/cells']
    assert cells['0'].shape[0] == 4
    assert cells.attrs['multiscales'][0]['axes'][0]['name'] == 't'


@pytest.mark.parametrize('version', ['0.4', '0.5'])
def test_a_plate(tmp_path, threshold_segmenter, version):
    zarr_format = 2 if version == '0.4' else 3
    path = tmp_path / 'p.zarr'
    root = zarr.open_group(str(path), mode='w', zarr_format=zarr_format)

    def describe(group, **content):
        group.attrs.update(content if version == '0.4' else dict(ome=content))

    describe(root, plate=dict(
        rows=[dict(name='A')], columns=[dict(name='1'), dict(name='2')],
        wells=[dict(path='A/1', rowIndex=0, columnIndex=0),
               dict(path='A/2', rowIndex=0, columnIndex=1)]))
    img = synthetic_cells(9, 60, 80).image.astype(np.uint16)
    planes = {}
    for well in ('A/1', 'A/2'):
        group = root.require_group(well)
        describe(group, well=dict(images=[dict(path='0'), dict(path='1')]))
        for field in '01':
            plane = np.roll(img, 7 * len(planes), axis=0)
            planes[f'{well}/{field}'] = plane
            write_image(group.create_group(field),
                        np.stack([plane, plane])[None], version)
    batch = Batch(threshold_segmenter('percentile'), ['zarr', 'labels'],
                  channel=0)
    summary = batch.run(plan_jobs([path], tmp_path))
    assert not summary.failed and summary.cells > 30
    found = zarr.open_group(str(tmp_path / 'p_labels.zarr'), mode='r')
    assert found.metadata.zarr_format == zarr_format

    def attributes(group):
        content = dict(group.attrs)
        return content if version == '0.4' else content['ome']

    assert [well['path'] for well in attributes(found)['plate']['wells']] == [
        'A/1', 'A/2']
    assert attributes(found['A/2'])['well']['images'][1]['path'] == '1'
    for number, field in enumerate(planes):
        labels = found[f'{field}/labels/cells/0'][:]
        assert np.array_equal(labels, read_image(
            tmp_path / 'p_labels.tif', number))
        about = attributes(found[f'{field}/labels/cells'])
        assert ('version' in about['multiscales'][0]) == (version == '0.4')
        assert about['image-label']['source'] == dict(image='../../')
        table = found[f'{field}/tables/cells']
        assert table['obs/label'][:].tolist() == list(
            range(1, labels.max() + 1))
    with ImageStack(tmp_path / 'p_labels.zarr') as stack:
        assert stack.names == list(planes)


def test_without_the_package(monkeypatch, threshold_segmenter):
    monkeypatch.setitem(sys.modules, 'zarr', None)
    with pytest.raises(UserError, match=r'needs the package zarr: pip'):
        Batch(threshold_segmenter(), ['zarr'])


def test_the_metadata_of_a_folder(tmp_path, found_in):
    """Written as files that any program reads."""
    write(found_in(2), tmp_path / 'a.zarr')
    text = (tmp_path / 'a.zarr/labels/cells/.zattrs').read_text()
    assert json.loads(text)['multiscales'][0]['version'] == '0.4'
    array = json.loads(
        (tmp_path / 'a.zarr/labels/cells/0/.zarray').read_text())
    assert array['dimension_separator'] == '/'
    assert array['dtype'] == '<u2' and array['chunks'] == [16, 16]
