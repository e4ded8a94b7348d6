"""Pictures are written whole or not at all."""
import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from pace_mmdet.errors import UserError
from pace_mmdet.images.saving import save_figure, save_png


@pytest.mark.parametrize('suffix', ['.png', '.PNG', '.pdf', '.svg'])
def test_save_figure(tmp_path, suffix):
    path = save_figure(Figure(), tmp_path / f'new/folder/figure{suffix}')
    assert path.stat().st_size > 100
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize('name', ['figure.xyz', 'figure'])
def test_unknown_formats_are_refused(tmp_path, name):
    with pytest.raises(UserError, match='cannot save a figure'):
        save_figure(Figure(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'figure.png'
    path.write_bytes(b'old')

    def fail(*args, **kwargs):
        raise OSError('disk full')

    monkeypatch.setattr('os.replace', fail)
    for save in (lambda: save_figure(Figure(), path),
                 lambda: save_png(np.zeros((2, 2, 3), np.uint8), path)):
        with pytest.raises(OSError, match='disk full'):
            save()
    assert path.read_bytes() == b'old'
    assert list(tmp_path.iterdir()) == [path]


def test_save_png_takes_rgb(tmp_path):
    image = np.zeros((2, 3, 3), np.uint8)
    image[..., 0] = 200
    path = save_png(image, tmp_path / 'new/image.png')
    assert (cv2.imread(str(path)) == (0, 0, 200)).all()
