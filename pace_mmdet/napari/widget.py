"""The widget that runs a trained model on an open layer."""
from pathlib import Path
from typing import Any, List, Optional, Tuple, Union

import numpy as np
from magicgui.widgets import (CheckBox, Container, FileEdit, FloatSpinBox,
                              Label, ProgressBar, PushButton, create_widget)
from napari.layers import Image
from napari.qt.threading import FunctionWorker, create_worker
from napari.utils.notifications import show_error, show_info
from napari.viewer import Viewer
from qtpy.QtCore import QTimer

from pace_mmdet.errors import UserError

from .segmenting import Found, Stopped, planes_of, segment_planes

_BAR = 1000
# Milliseconds between two looks at how far the other thread is.
_LOOK = 100


class SegmentWidget(Container):
    """Segments the cells of an image layer, beside the viewer's own thread.

    Args:
        napari_viewer (Viewer): Where the results go.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        self.viewer = napari_viewer
        self.image = create_widget(annotation=Image, label='image')
        self.checkpoint = FileEdit(
            label='model', mode='r', filter='*.pth', nullable=True,
            tooltip='checkpoint of pace train')
        self.score_thr = FloatSpinBox(
            label='score from', min=0, max=1, step=0.05,
            tooltip="cells that score less are left out; 0 takes the model's "
            'own threshold')
        self.diameter = FloatSpinBox(
            label='cell diameter', min=0, max=10_000,
            tooltip='of typical cells, in pixels; 0 takes the image as it is')
        self.one_plane = CheckBox(
            text='only the plane that is shown', label='')
        self.run = PushButton(text='Segment')
        self.stop = PushButton(text='Stop', enabled=False)
        self.progress = ProgressBar(max=_BAR, visible=False)
        self.status = Label(value='')
        super().__init__(widgets=[
            self.image, self.checkpoint, self.score_thr, self.diameter,
            self.one_plane, self.run, self.stop, self.progress, self.status])
        self.worker: Optional[FunctionWorker] = None
        self._loaded: Tuple[Any, Any] = (None, None)
        # What the other thread does, and how much of it is done. Nothing of
        # Qt is touched there: this thread looks, again and again.
        self._doing: Tuple[str, float] = ('', 0)
        self._clock = QTimer(self.native)
        self._clock.setInterval(_LOOK)
        self._clock.timeout.connect(self._tell)
        self.run.clicked.connect(self.start)
        self.stop.clicked.connect(lambda: self.worker.quit())

    def start(self) -> None:
        """Segment what is chosen; the result becomes a layer."""
        layer, path = self.image.value, self.checkpoint.value
        if layer is None:
            return show_info('Open an image first.')
        if path is None or not Path(path).is_file():
            return show_info('Choose a model first: a checkpoint of '
                             'pace train, a file that ends in .pth')
        data = layer.data[0] if layer.multiscale else layer.data
        stack, _ = planes_of(data, layer.rgb)
        places: List[Tuple[int, ...]] = list(np.ndindex(*stack))
        if self.one_plane.value and stack:
            shown = layer.world_to_data(self.viewer.dims.point)[:len(stack)]
            places = [tuple(np.rint(shown).astype(int).clip(
                0, np.array(stack) - 1).tolist())]
        self._running(True)
        self.worker = create_worker(
            self._segment, Path(path), data, layer.rgb, places,
            self.score_thr.value or None, self.diameter.value or None,
            _start_thread=False)
        self.worker.returned.connect(lambda found: self._show(found, layer))
        self.worker.finished.connect(lambda: self._running(False))
        self.worker.start()

    def _segment(self, path: Path, data: Any, rgb: bool, places: list,
                 score_thr: Optional[float],
                 diameter: Optional[float]) -> Union[Found, str]:
        """What the other thread does; gives the cells, or what is wrong."""
        def on_tile(number: int, done: int, total: int) -> None:
            if self.worker.abort_requested:
                raise Stopped
            self._doing = (f'Plane {number + 1} of {len(places)}: tile {done} '
                           f'of {total}',
                           (number + done / total) / len(places))

        try:
            key = path, path.stat().st_mtime_ns, score_thr, diameter
            if key != self._loaded[0]:
                self._doing = 'Loading the model ...', 0
                # PyTorch takes seconds to import.
                from pace_mmdet.inference.segmenter import load_segmenter
                self._loaded = key, load_segmenter(
                    path, score_thr=score_thr, diameter=diameter)
            return segment_planes(self._loaded[1], data, rgb, places, on_tile)
        except Stopped:
            return ''
        except (UserError, ValueError) as error:
            return str(error)

    def _tell(self) -> None:
        self.status.value, share = self._doing
        self.progress.value = round(_BAR * share)

    def _running(self, running: bool) -> None:
        self._doing = '', 0
        (self._clock.start if running else self._clock.stop)()
        self.run.enabled = not running
        self.stop.enabled = self.progress.visible = running
        if not running and self.worker.abort_requested:
            self.status.value = 'Stopped; nothing was added'

    def _show(self, found: Union[Found, str], layer: Image) -> None:
        self._clock.stop()
        if isinstance(found, str):
            self.status.value = 'Failed'
            show_error(found)
            return
        self.status.value = f'{len(found)} cells'
        for text in found.warnings:
            show_info(text)
        self.viewer.add_labels(
            found.labels, name=f'{layer.name} cells', features=found.features,
            affine=layer.affine, scale=layer.scale,
            translate=layer.translate, rotate=layer.rotate,
            shear=layer.shear, units=layer.units)
