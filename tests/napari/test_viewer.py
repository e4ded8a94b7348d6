"""The plugin in a viewer that nobody sees.

It needs napari and a display: ``xvfb-run -a python -m pytest tests/napari``.
"""
import os
import sys

import numpy as np
import pytest
import tifffile

from tests.tools.conftest import ROOT

napari = pytest.importorskip(
    'napari', reason="napari is missing: pip install -e '.[napari]'")
pytest.importorskip('pytestqt', reason='pytest-qt is missing')
pytestmark = pytest.mark.skipif(
    sys.platform == 'linux' and not (
        os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY')),
    reason='napari draws with OpenGL and needs a display: xvfb-run -a')

PREVIOUS = ROOT / 'tests/previous_version'
CHECKPOINT = PREVIOUS / 'pace_0.1.0.pth'
IMAGE = tifffile.imread(PREVIOUS / 'cells.tif')


@pytest.fixture
def open_widget(make_napari_viewer):
    """Function (image, **its arguments) -> viewer, widget."""
    from pace_mmdet.napari.widget import SegmentWidget

    def make(img=IMAGE, **kwargs):
        viewer = make_napari_viewer()
        viewer.add_image(img, name='film', **kwargs)
        widget = SegmentWidget(viewer)
        viewer.window.add_dock_widget(widget)
        widget.checkpoint.value = CHECKPOINT
        return viewer, widget

    return make


@pytest.fixture
def wait(qtbot):
    """Function (widget): until its run has ended."""

    def until(widget):
        qtbot.waitUntil(lambda: widget.run.enabled, timeout=300_000)

    return until


def test_a_model_on_the_open_layer(open_widget, wait):
    viewer, widget = open_widget(scale=(0.5, 0.5), translate=(3, 4))
    widget.start()
    assert widget.stop.enabled and not widget.run.enabled
    wait(widget)
    assert widget.status.value == '8 cells'
    labels = viewer.layers['film cells']
    from pace_mmdet.inference import load_segmenter
    expected = load_segmenter(CHECKPOINT, device='cpu')(IMAGE)
    np.testing.assert_array_equal(labels.data, expected.label_image())
    np.testing.assert_allclose(labels.features['score'], expected.scores)
    assert labels.scale.tolist() == [0.5, 0.5]
    assert labels.translate.tolist() == [3, 4]
    # What the status bar says of a cell.
    y, x = np.argwhere(labels.data == 3)[0]
    said = labels.get_status((y / 2 + 3, x / 2 + 4), world=True)
    assert said['value'].endswith(f'area: {expected.areas[2]}')
    assert said['value'].startswith('3; score: ')


def test_the_plane_that_is_shown(open_widget, wait):
    viewer, widget = open_widget(np.stack([np.zeros_like(IMAGE), IMAGE]))
    widget.one_plane.value = True
    viewer.dims.set_point(0, 1)
    widget.start()
    wait(widget)
    labels = viewer.layers['film cells'].data
    assert labels[0].max() == 0 and labels[1].max() == 8
    # The model is loaded once.
    loaded = widget._loaded[1]
    widget.start()
    wait(widget)
    assert widget._loaded[1] is loaded


def test_stopping(open_widget, wait):
    viewer, widget = open_widget()
    widget.start()
    widget.stop.clicked.emit()
    wait(widget)
    assert len(viewer.layers) == 1
    assert widget.status.value == 'Stopped; nothing was added'


def test_what_the_user_can_put_right(open_widget, wait, tmp_path,
                                     monkeypatch):
    said = []
    for name in ('show_info', 'show_error'):
        monkeypatch.setattr(f'pace_mmdet.napari.widget.{name}', said.append)
    viewer, widget = open_widget()
    widget.checkpoint.value = tmp_path / 'none.pth'
    widget.start()
    (tmp_path / 'broken.pth').write_bytes(b'broken')
    widget.checkpoint.value = tmp_path / 'broken.pth'
    widget.start()
    wait(widget)
    viewer.layers.clear()
    widget.start()
    assert ['Choose a model' in said[0], 'broken.pth' in said[1],
            'Open an image' in said[2]] == 3 * [True]


def test_files_are_opened(make_napari_viewer, point_file, tmp_path):
    from pace_mmdet.annotate.schema import open_project
    viewer = make_napari_viewer()
    viewer.open(point_file, plugin=None)
    assert [type(layer).__name__ for layer in viewer.layers] == [
        'Image', 'Shapes', 'Points']
    image, boxes, points = viewer.layers
    assert image.data.shape[0] == 3
    assert len(boxes.data) == 36 and len(points.data) == 360
    assert set(points.symbol.astype(str)) == {'disc', 'triangle_up'}
    open_project(tmp_path / 'p.db').close()
    viewer.open(tmp_path / 'p.db', plugin=None)
    assert [len(layer.data) for layer in viewer.layers[3:]] == [0, 0]
