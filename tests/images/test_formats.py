import os

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
from PIL import EpsImagePlugin

from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.formats import image_format
from pace_mmdet.images.labels import read_label_image
from pace_mmdet.images.stacks import read_image

GREY = np.arange(24, dtype=np.uint8).reshape(4, 6)
POSTSCRIPT = b'''%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 4 4
%%EndComments
showpage
'''


@pytest.mark.parametrize('suffix', ['.png', '.tif', '.jpg', '.eps'])
def test_postscript_starts_no_other_program(tmp_path, monkeypatch, suffix):
    started = []
    monkeypatch.setattr(EpsImagePlugin, 'Ghostscript',
                        lambda *args, **kwargs: started.append(args))
    path = tmp_path / f'a{suffix}'
    path.write_bytes(POSTSCRIPT)
    with pytest.raises(ImageFileError, match='PostScript, which is not read'):
        read_image(path)
    assert not started


@pytest.mark.parametrize(('suffix', 'kind', 'name'), [
    ('.tif', 'TIFF', 'a.png'),
    ('.png', 'PNG', 'a.tif'),
    ('.bmp', 'BMP', 'a.jpg'),
])
def test_the_content_decides(tmp_path, suffix, kind, name):
    source = tmp_path / f'source{suffix}'
    imageio.imwrite(source, GREY)
    assert image_format(source.rename(tmp_path / name)).name == kind
    assert np.array_equal(read_image(tmp_path / name), GREY)


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='there are no pipes')
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'a.tif')
    with pytest.raises(ImageFileError, match='a.tif: is no regular file'):
        read_image(tmp_path / 'a.tif')


@pytest.mark.parametrize('dtype', [np.complex64, np.complex128])
def test_complex_labels_are_not_taken_for_none(tmp_path, dtype):
    tifffile.imwrite(tmp_path / 'a.tif', GREY.astype(dtype) * 1j)
    with pytest.raises(ImageFileError, match='whole numbers .* got complex'):
        read_label_image(tmp_path / 'a.tif')
