import json
import struct
import time

import numpy as np
import pytest
import tifffile

from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.stacks import ImageStack, read_image

STACK = np.arange(2 * 24, dtype=np.uint16).reshape(2, 4, 6)
SECRET = 1000 + STACK
# Tag, type (3: 16 bits, 4: 32 bits) and value of a page of 1 x 1 pixel.
TAGS = [(256, 3, 1), (257, 3, 1), (258, 3, 8), (259, 3, 1), (262, 3, 1),
        (273, 4, 8), (277, 3, 1), (278, 3, 1), (279, 4, 1)]


def chain(num_pages, last=0, odd=None, header=b'\7\0\0\0', more=()):
    """A TIFF file of many pages that share their pixel.

    Page ``odd`` has another size; the last page leads to page ``last``,
    or, for 0, ends the chain.
    """
    first = 8 + len(header)
    size = 2 + 12 * (len(TAGS) + len(more)) + 4
    content = [b'II*\0', struct.pack('<I', first), header]
    for page in range(num_pages):
        tags = [(tag, kind, 2 if page == odd and tag == 256 else value)
                for tag, kind, value in (*TAGS, *more)]
        after = page + 1 if page + 1 < num_pages else last
        content.append(struct.pack('<H', len(tags)) + b''.join(
            struct.pack('<HHII', tag, kind, 1, value)
            for tag, kind, value in tags))
        content.append(struct.pack('<I', first + size * after if after else 0))
    return b''.join(content)


def test_many_pages_are_opened_in_time_for_few(tmp_path):
    seconds = {}
    for num_pages in (10, 40000):
        path = tmp_path / f'{num_pages}.tif'
        path.write_bytes(chain(num_pages))
        begun = time.perf_counter()
        with ImageStack(path) as stack:
            assert (len(stack), stack.axes) == (num_pages, 'I')
            assert stack.read(num_pages - 1).tolist() == [[7]]
        seconds[num_pages] = time.perf_counter() - begun
    # 1.4 s when all pages are parsed.
    assert seconds[40000] < 0.7, seconds


def test_a_page_of_another_size_in_a_long_stack(tmp_path):
    (tmp_path / 'a.tif').write_bytes(chain(100, odd=50))
    with ImageStack(tmp_path / 'a.tif') as stack:
        assert stack.read(49).shape == (1, 1)
        with pytest.raises(ImageFileError, match='page 50 is of another size'):
            stack.read(50)


def test_files_without_pixels(tmp_path):
    path = tmp_path / 'a.tif'
    path.write_bytes(struct.pack('<2sHI', b'II', 42, 0))
    with pytest.raises(ImageFileError, match='a.tif: holds no page'):
        ImageStack(path)
    path.write_bytes(b'II*\0\x08\0\0\0' + struct.pack('<H', 2) + b''.join(
        struct.pack('<HHII', tag, 4, 1, value)
        for tag, value in ((256, 5), (257, 0))) + struct.pack('<I', 0))
    with pytest.raises(ImageFileError, match='first page has no pixels'):
        ImageStack(path)


@pytest.mark.parametrize(('num_pages', 'last'), [(3, 1), (200, 150),
                                                 (5000, 4999)])
def test_pages_that_lead_in_a_circle(tmp_path, num_pages, last):
    (tmp_path / 'a.tif').write_bytes(chain(num_pages, last))
    with pytest.raises(ImageFileError, match='a.tif: is broken: .* circle'):
        ImageStack(tmp_path / 'a.tif')


def write_ome(path, part):
    """An OME-TIFF whose second plane is in another file."""
    tifffile.imwrite(path, STACK[0], ome=True, metadata=dict(axes='YX'))
    with tifffile.TiffFile(path) as tif:
        xml = tif.ome_metadata
    for old, new in [
            ('SizeT="1"', 'SizeT="2"'),
            ('<TiffData IFD="0" PlaneCount="1"/>',
             '<TiffData IFD="0" PlaneCount="1"/><TiffData IFD="0" '
             f'FirstT="1" PlaneCount="1"><UUID FileName="{part}">'
             'urn:uuid:9b9bcea3-0000-0000-0000-000000000000</UUID>'
             '</TiffData>')]:
        assert old in xml, xml
        xml = xml.replace(old, new)
    tifffile.imwrite(path, STACK[0], description=xml.encode(), metadata=None)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'images').mkdir()
    tifffile.imwrite(tmp_path / 'secret.tif', SECRET[0])
    return tmp_path / 'images'


@pytest.mark.parametrize('part', ['../secret.tif', '{}/secret.tif',
                                  '..\\secret.tif', 'link.tif', 'b.tif'])
def test_no_other_file_is_opened(folder, part):
    """Neither outside nor in the folder: a file stands for its own planes."""
    tifffile.imwrite(folder / 'b.tif', STACK[1])
    (folder / 'link.tif').symlink_to('../secret.tif')
    part = part.format(folder.parent)
    write_ome(folder / 'a.ome.tif', part)
    with ImageStack(folder / 'a.ome.tif') as stack:
        assert (stack.axes, stack.shape) == ('', ())
        assert np.array_equal(stack.read(0), STACK[0])


def test_an_index_that_names_files_outside(folder):
    """Micro-Manager's NDTiff keeps the names in a file beside."""
    summary = json.dumps({}).encode()
    header = struct.pack('<IIII', 483729, 2, 2355492, len(summary)) + summary
    (folder / 'a.tif').write_bytes(
        chain(1, header=header, more=[(51123, 4, 8)]))
    name, axes = b'../secret.tif', json.dumps(dict(time=0)).encode()
    (folder / 'NDTiff.index').write_bytes(
        struct.pack('<I', len(axes)) + axes + struct.pack('<I', len(name)) +
        name + struct.pack('<IiiiiIii', 8, 6, 4, 1, 0, 0, 0, 0))
    assert read_image(folder / 'a.tif').shape == (1, 1)
