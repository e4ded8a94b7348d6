"""Which images there are, which can be used, and how they are shown."""
import os
import sys
import threading

import cv2
import numpy as np
import pytest
import tifffile

from pace_mmdet.annotate import changes
from pace_mmdet.annotate import folder as folders
from pace_mmdet.annotate.errors import ChangeRefused, NotFound, ProjectError
from pace_mmdet.annotate.schema import open_project
from pace_mmdet.annotate.tiles import (TILE, PyramidCache, encode_tile,
                                       make_pyramid, num_levels)
from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.intensities import Intensities, to_uint8


@pytest.fixture
def connection(tmp_path):
    connection = open_project(tmp_path / 'p.db')
    yield connection
    connection.close()


def problems(folder, connection, **kwargs):
    images = folders.scan(folder, connection, **kwargs).values()
    return {image.name: image.problem for image in images}


def draw_box(connection, image_id=1):
    with connection:
        connection.execute('BEGIN')
        changes.create_box(connection, image_id, [1, 1, 9, 9], 'k', 'Anna')


def test_names(folder):
    for name in ('t10.png', 't2.png', 'below/x.PNG', '.hidden/y.png', '.z.png',
                 'notes.txt'):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    assert folders.list_images(folder) == [
        'a.tif', 'b.tif', 'below/x.PNG', 't2.png', 't10.png']


def test_no_images(tmp_path):
    with pytest.raises(ProjectError, match='no such folder'):
        folders.list_images(tmp_path / 'nowhere')
    with pytest.raises(ProjectError, match='no image file in it'):
        folders.list_images(tmp_path)


def test_scanning_again_reads_nothing(folder, connection, monkeypatch):
    assert problems(folder, connection) == {'a.tif': '', 'b.tif': ''}
    monkeypatch.setattr(folders, 'read_plane', None)
    assert problems(folder, connection) == {'a.tif': '', 'b.tif': ''}


def test_what_cannot_be_used_is_listed(folder, connection, tmp_path):
    (folder / 'broken.tif').write_bytes(b'no image')
    tifffile.imwrite(folder / 'stack.tif', np.zeros((5, 9, 9), np.uint8))
    tifffile.imwrite(folder / 'nan.tif', np.full((9, 9), np.nan, np.float32))
    tifffile.imwrite(tmp_path / 'secret.tif', np.zeros((9, 9), np.uint8))
    (folder / 'link.tif').symlink_to(tmp_path / 'secret.tif')
    (folder / 'dangling.tif').symlink_to(folder / 'gone.tif')
    found = problems(folder, connection)
    assert {name for name, problem in found.items() if not problem} == {
        'a.tif', 'b.tif'}
    for name, text in (('broken.tif', 'cannot be read as an image'),
                       ('stack.tif', 'holds 5 planes'),
                       ('stack.tif', 'read with --page 0 ... 4'),
                       ('nan.tif', 'NaN'), ('link.tif', 'leads out of'),
                       ('dangling.tif', 'cannot be opened: No such file')):
        assert text in found[name]
        assert str(tmp_path) not in found[name]


def test_a_plane_of_stacks(folder, connection):
    tifffile.imwrite(folder / 'stack.tif', np.zeros((5, 9, 7), np.uint8))
    found = problems(folder, connection, page=2)
    assert found['stack.tif'] == '' and 'page 2 is not' in found['a.tif']


@pytest.mark.skipif(sys.platform != 'linux',
                    reason='names are UTF-8 by force elsewhere')
def test_a_name_that_is_no_text(folder, connection):
    """As of files that were unpacked from another system's archive."""
    name = os.fsencode(folder) + b'/M\xfcller.tif'
    with open(name, 'wb') as file:
        file.write((folder / 'a.tif').read_bytes())
    for _ in range(2):
        found = problems(folder, connection)
        assert found.pop(r'M\xfcller.tif').startswith(
            'its name is not UTF-8, which')
        assert found == {'a.tif': '', 'b.tif': ''}


def test_an_image_that_changed_is_not_mixed(folder, connection):
    problems(folder, connection)
    draw_box(connection)
    for name in ('a.tif', 'b.tif'):
        tifffile.imwrite(folder / name, np.zeros((9, 30), np.uint8))
    found = problems(folder, connection)
    assert found['a.tif'].startswith(
        'has changed: it was 80 x 60 pixels when its boxes were drawn and is '
        '30 x 9 now')
    assert found['b.tif'] == ''  # without boxes it may
    # The same size is taken: a file that was copied is written anew.
    tifffile.imwrite(folder / 'a.tif', np.ones((60, 80), np.uint8))
    assert problems(folder, connection)['a.tif'] == ''


def test_an_image_that_is_gone(folder, connection):
    problems(folder, connection)
    draw_box(connection)
    (folder / 'a.tif').unlink()
    assert problems(folder, connection) == {
        'b.tif': '', 'a.tif': 'is no longer in the folder; its boxes are kept'}


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='there are no pipes')
def test_a_pipe_does_not_stop_the_page(folder, connection):
    os.mkfifo(folder / 'pipe.tif')
    assert problems(folder, connection)['pipe.tif'] == 'is no regular file'


def test_large_images_are_not_decoded(folder, monkeypatch):
    for path in (folder / 'a.tif', folder / 'c.png'):
        if path.suffix == '.png':
            cv2.imwrite(str(path), np.zeros((60, 80), np.uint8))
        assert folders.read_plane(path, None).shape == (60, 80)
        monkeypatch.setattr(folders, 'read_single', None)
        with pytest.raises(ImageFileError, match='0 million pixels, at most'):
            folders.read_plane(path, None, max_pixels=4799)
        monkeypatch.undo()


@pytest.mark.parametrize('name', ['../secret.tif', '/etc/x.tif', 'b/../../x'])
def test_names_that_lead_out(folder, name):
    with pytest.raises(ImageFileError, match='leads out of the folder'):
        folders.resolve(folder, name)


@pytest.mark.parametrize(('width', 'height', 'levels'), [
    (1, 1, 1), (512, 300, 1), (513, 2, 2), (1024, 1025, 3), (5000, 700, 5)])
def test_num_levels(width, height, levels):
    assert num_levels(width, height) == levels


@pytest.mark.parametrize('shape', [(700, 1101), (1101, 700, 3), (513, 1)])
def test_a_pyramid_halves(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    levels = make_pyramid(image).levels
    assert len(levels) == num_levels(shape[1], shape[0])
    assert np.array_equal(levels[0], image)
    for fine, coarse in zip(levels, levels[1:]):
        height, width = (-(-side // 2) for side in fine.shape[:2])
        assert coarse.shape == (height, width) + shape[2:]
        # Each pixel is the mean of four; at an odd edge, of the two there.
        block = fine[2:4, 0:2].astype(float).mean(axis=(0, 1))
        assert np.abs(coarse[1, 0] - block).max() <= 1


def test_tiles_cover_the_image():
    image = np.random.default_rng(0).integers(0, 256, (600, 1100), np.uint8)
    tiles = [[decoded(encode_tile(image, x, y, (0, 255))) for x in range(3)]
             for y in range(2)]
    assert np.array_equal(np.block(tiles), image)
    assert tiles[0][0].shape == (TILE, TILE)
    for place in ((3, 0), (0, 2), (-1, 0), (0, -1)):
        with pytest.raises(NotFound):
            encode_tile(image, *place, (0, 255))


def test_colours_stay():
    rgb = np.zeros((4, 4, 3), np.uint8)
    rgb[..., 0] = 255
    png = decoded(encode_tile(rgb, 0, 0, (0, 255)))
    assert png[0, 0].tolist() == [0, 0, 255]  # BGR


def test_pyramids_are_kept_within_bounds():
    read = []

    def reader(key):
        read.append(key)
        return np.zeros((100, 100), np.uint8)

    cache = PyramidCache(reader, max_bytes=25000)
    for key in 'abacab':
        cache.get(key).result().tile(0, 0, 0)
    # Room for two: c throws out b, which was used longest ago.
    assert read == ['a', 'b', 'c', 'b']
    with pytest.raises(NotFound):
        cache.get('a').result().tile(1, 0, 0)
    cache.close()


def test_a_large_image_keeps_no_other_waiting():
    gate, read = threading.Event(), []

    def reader(key):
        read.append(key)
        assert key != 'large' or gate.wait(10)
        return np.zeros((9, 9), np.uint8)

    cache = PyramidCache(reader)
    large = [cache.get('large', 2**26) for _ in range(8)]
    assert cache.get('small', 100).result(10)
    assert not large[0].done()
    gate.set()
    assert len({id(future.result(10)) for future in large}) == 1
    assert read.count('large') == 1
    cache.close()


def test_an_image_that_was_not_read_is_tried_again():
    broken = [True]

    def reader(key):
        if broken:
            broken.clear()
            raise ImageFileError('broken')
        return np.zeros((9, 9), np.uint8)

    cache = PyramidCache(reader)
    with pytest.raises(ImageFileError):
        cache.get('a').result(10)
    assert cache.get('a').result(10).extent == (0, 0)
    cache.close()


def decoded(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize('dtype', ['bool', 'uint8', 'int8', 'uint16', 'int16',
                                   'uint32', 'int32', 'float32', 'float64'])
def test_tiles_show_what_the_whole_image_would(dtype):
    random = np.random.default_rng(1)
    image = (random.random((60, 700)) * (1 if dtype == 'bool' else 100)
             ).round().astype(dtype)
    pyramid = make_pyramid(image)
    assert len(pyramid.levels) == 2 and pyramid.levels[1].shape == (30, 350)
    shown = np.hstack([decoded(pyramid.tile(0, x, 0)) for x in range(2)])
    assert np.array_equal(shown, to_uint8(image))
    assert pyramid.extent == (image.min(), image.max())


def test_a_window_of_intensities():
    image = np.array([[0, 500, 1000, 4000]], np.uint16)
    pyramid = make_pyramid(image)
    assert decoded(pyramid.tile(0, 0, 0, (0, 1000))).tolist() == [
        [0, 128, 255, 255]]
    # Of a part: the bright pixel outside does not count.
    assert pyramid.window_of([0, 0, 3, 1], 0, 100) == (0, 1000)
    assert pyramid.window_of([-5, -5, 500, 500], 0, 100) == (0, 4000)
    assert pyramid.window_of([900, 900, 5, 5], 0, 100) == (4000, 4000)
    assert decoded(pyramid.tile(0, 0, 0, (7, 7))).max() == 0
    with pytest.raises(ChangeRefused, match='no range of intensities: 5 to 3'):
        pyramid.tile(0, 0, 0, (5, 3))


def test_pixels_without_a_value():
    image = np.array([[np.nan, 1, 2, np.inf]], np.float32)
    pyramid = make_pyramid(image)
    assert pyramid.extent == (1, 2)
    assert decoded(pyramid.tile(0, 0, 0)).tolist() == [[0, 0, 255, 0]]


def test_a_channel(folder, connection, tmp_path):
    channels = np.zeros((2, 9, 12), np.uint16)
    channels[1] = np.arange(12) * 1000
    tifffile.imwrite(folder / 'c.ome.tif', channels, ome=True,
                     metadata=dict(axes='CYX'))
    assert '--channel 0 ... 1' in problems(folder, connection)['c.ome.tif']
    assert problems(folder, connection, channel=1)['c.ome.tif'] == ''
    assert np.array_equal(
        folders.read_plane(folder / 'c.ome.tif', None, channel=1),
        channels[1])


def test_intensities_as_asked_for():
    img = np.array([[0, 500, 1000, 2000]], np.uint16)
    pyramid = make_pyramid(img, Intensities('range', 0, 1000))
    assert pyramid.window == (0, 1000)
    assert decoded(pyramid.tile(0, 0, 0)).tolist() == [[0, 128, 255, 255]]
    img[:] = 128
    pyramid = make_pyramid(img, Intensities('livecell'))
    assert decoded(pyramid.tile(0, 0, 0)).tolist() == [[128] * 4]
