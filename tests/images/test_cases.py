"""What is right for the images that users met: see ``tests/cases.py``."""
import importlib.util

import numpy as np
import pytest

from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.folders import list_folder
from pace_mmdet.images.intensities import remarks, stretch, to_uint8
from pace_mmdet.images.labels import read_label_image
from pace_mmdet.images.stacks import ImageStack, read_image


def equal(path, other, **options):
    return np.array_equal(read_image(path, **options), other)


@pytest.fixture
def ref8(case):
    return read_image(case('00_ref') / 'ref8.tif')


@pytest.fixture
def ref16(case):
    return read_image(case('00_ref') / 'ref16.tif')


def test_01_white_is_0(case, ref8, ref16):
    assert equal(case('01_miniswhite') / 'mw16.tif', ref16)
    assert equal(case('01_miniswhite') / 'mw8.tif', ref8)


def test_03_a_table_of_greys_gives_intensities(case, ref8):
    folder = case('03_palette')
    # This file's table runs from white to black.
    assert equal(folder / 'pal_tif.tif', 255 - ref8)
    found = read_image(folder / 'pal_png.png')
    # Its table may have fewer greys than the picture.
    assert found.shape == ref8.shape
    assert np.abs(found.astype(int) - ref8).mean() < 4


@pytest.mark.parametrize('name', ['s4_contig.tif', 's4_separate.tif'])
def test_05_unspecified_samples_are_channels(case, ref8, name):
    path = case('05_four_samples') / name
    with pytest.raises(ImageFileError, match='--channel 0 ... 3'):
        read_image(path)
    assert equal(path, ref8, channel=3)


def test_07_alpha_is_left_out(case, ref8):
    assert equal(case('07_grey_alpha') / 'la.png', ref8)


@pytest.mark.parametrize('name', ['nan.tif', 'inf.tif'])
def test_08_pixels_without_a_value(case, ref16, name):
    img = read_image(case('08_nan') / name)
    known = np.isfinite(img)
    assert 0 < known.sum() < known.size
    assert 'count as background' in remarks(img)[0]
    scaled = stretch(img)
    assert (scaled[~known] == 0).all()
    low, high = np.percentile(img[known], (0.1, 99.9))
    expected = ((img[known] - low) * 255. / (high - low)).clip(0, 255)
    assert np.abs(scaled[known] - expected).max() < 0.01


def test_15_each_file_of_a_set_gives_its_own_planes(case, ref16):
    folder = case('15_ome_multifile')
    planes = []
    for position in range(2):
        with ImageStack(folder / f'exp_Pos{position}.ome.tif') as stack:
            assert (stack.axes, len(stack), stack.is_ome) == ('', 1, True)
            planes.append(stack.read(0))
    assert np.array_equal(planes[0], ref16)
    assert not np.array_equal(planes[0], planes[1])


def test_16_turned_as_every_viewer_shows_it(case):
    folder = case('16_exif')
    with ImageStack(folder / 'orient6.tif') as stack:
        assert stack.plane_shape == (256, 200)
        turned = stack.read(0)
    photo = read_image(folder / 'rot6.jpg')
    assert turned.shape == (256, 200) and photo.shape == (256, 200, 3)
    assert np.abs(turned.astype(int) - photo[..., 0]).mean() < 1


def test_18_the_content_decides(case, ref8, ref16):
    folder = case('18_wrong_suffix')
    assert equal(folder / 'png_called.tif', ref8)
    assert equal(folder / 'tif_called.png', ref16)
    photo = read_image(folder / 'jpg_called.png')
    assert np.abs(photo.astype(int) - ref8).mean() < 2


def test_19_other_suffixes(case, ref8, ref16):
    folder = case('19_other_suffix')
    found = list_folder(folder)
    assert len(found.images) == 11 and not found.left_out
    for name in ('big.btf', 'ok.tif', 'slide.svs', 'stack.lsm', 'stack.stk',
                 'x.tf8'):
        assert equal(folder / name, ref16)
    assert equal(folder / 'i.gif', ref8)
    for name in ('i.jp2', 'i.webp'):
        img = read_image(folder / name)
        img = img if img.ndim == 2 else img[..., 0]
        assert np.abs(img.astype(int) - ref8).mean() < 8
    for name, package in (('m.czi', 'czifile'), ('m.nd2', 'nd2')):
        said = ('broken or misnamed' if importlib.util.find_spec(package)
                else r"install the extra 'formats'")
        with pytest.raises(ImageFileError, match=said):
            read_image(folder / name)


def test_20_an_ome_zarr_without_an_image(case):
    folder = case('20_omezarr')
    path, = list_folder(folder).images
    said = ('an OME-Zarr' if importlib.util.find_spec('zarr') else
            'OME-Zarr files need the package zarr')
    with pytest.raises(ImageFileError, match=said):
        read_image(path)


def test_23_colours_and_channels(case, ref16):
    folder = case('23_imagej_rgb')
    colour = read_image(folder / 'rgb16.tif')
    assert colour.dtype == np.uint16 and colour.shape == (256, 256, 3)
    assert equal(folder / 'rgb16.png', colour)
    assert equal(folder / 'g16.png', ref16)
    planar = read_image(folder / 'rgb_planar.tif')
    assert planar.shape == (256, 256, 3)
    assert equal(folder / 'ij_rgb.tif', planar, page=0)
    for name, option in (('ij_composite.tif', '--channel 0 ... 1'),
                         ('plain_pages_cyx.tif', '--page 0 ... 2'),
                         ('ij_rgb.tif', '--page 0 ... 1')):
        with pytest.raises(ImageFileError, match=option):
            read_image(folder / name)


def test_28_one_cell_in_frames_of_any_size(case):
    bright = []
    for path in sorted(case('28_sparse').iterdir()):
        scaled = to_uint8(read_image(path))
        assert np.median(scaled) < 6, path.name
        bright.append(np.count_nonzero(scaled > 128))
    assert len(bright) > 3
    assert min(bright) > 0.9 * max(bright) > 400


def test_31_a_mask_is_no_label_image(case):
    path = case('31_lab_binary255') / 'labels/a.png'
    with pytest.raises(ImageFileError,
                       match='in 3 separate parts.*--masks parts'):
        read_label_image(path)
    assert np.unique(read_label_image(path, masks='parts')).tolist() == [
        0, 1, 2, 3]
    assert np.unique(read_label_image(path, masks='one')).tolist() == [0, 255]


def test_32_numbers_of_a_palette_are_the_labels(case):
    labels = read_label_image(case('32_lab_palette_png') / 'labels/a.png')
    assert np.unique(labels).tolist() == [0, 1, 2, 3]


def test_38_a_plane_of_stacks(case):
    folder = case('38_lab_3d_stack')
    for read, name in ((read_image, 'images'), (read_label_image, 'labels')):
        with pytest.raises(ImageFileError, match='--page 0 ... 2'):
            read(folder / name / 'a.tif')
        assert read(folder / name / 'a.tif', page=1).shape == (100, 120)


def test_45_cellpose(case):
    path = case('45_lab_cellpose_npy') / 'labels/a_seg.npy'
    assert np.unique(read_label_image(path)).tolist() == [0, 1, 2, 3]


def test_50_a_message_names_options(case):
    with pytest.raises(ImageFileError, match='--channel 0 ... 1'):
        read_image(case('50_img_2ch') / 'images/a.tif')
