"""Drawing data samples of cell images, ground truth by points included."""
from typing import List, Optional

import numpy as np
import torch
from mmdet.registry import VISUALIZERS
from mmdet.structures.bbox import BaseBoxes
from mmdet.visualization import DetLocalVisualizer
from mmdet.visualization.palette import get_palette
from mmengine.dist import master_only
from mmengine.structures import InstanceData

from pace_mmdet.structures import InstancePoints

from . import artists
from .contours import mask_outlines

_LONG_SIDE = 1024
_MAX_ZOOM = 8


def legible_zoom(height: int, width: int) -> int:
    """Factor that makes an image's long side about 1,000 pixels, 1 to 8.

    Cells of 15 pixels with 10 points on them cannot be read at their own
    size.
    """
    return min(max(-(-_LONG_SIDE // max(height, width)), 1), _MAX_ZOOM)


@VISUALIZERS.register_module()
class PointLocalVisualizer(DetLocalVisualizer):
    """``DetLocalVisualizer`` for images with many small cells.

    It differs from its base in what an instance looks like:

    - Points (:class:`InstancePoints` as masks) are drawn as in the paper's
      Fig. 1, blue on the cell and red outside of it (as a triangle); a grey
      cross is a point that is not used. The boxes around them are yellow.
    - Masks are thin outlines with a light filling. Besides bitmaps and
      polygons they may be run-length codes, as our heads predict them, and
      are drawn cell by cell, never as cells x height x width.
    - With a single class the cells take ten colours in turn, so that
      neighbours can be told apart, and no text is drawn: "cell: 87.3" on a
      thousand cells hides them. With several classes, the palette and the
      class names are used.
    - Small images are enlarged by a whole factor, without interpolation.

    Thousands of cells take a second or two; texts on them would take longer
    than all the rest.

    Args:
        name (str): Name of the instance.
        line_width (float): Width of lines in pixels of the drawn image.
        point_size (float): Largest diameter of points in pixels of the drawn
            image; on small cells points are smaller, so that the cells stay
            visible.
        fill_alpha (float): Opacity of the filling of masks; 0 for none.
        show_boxes (bool): Whether to draw the boxes of cells with masks.
            Those of cells with points, or without either, always are.
        show_texts (bool, optional): Whether to write class names, and scores
            where there are any. By default with more than one class.
        zoom (int, optional): Factor of enlargement. By default
            :func:`legible_zoom`'s.
        **kwargs: As for ``DetLocalVisualizer``.
    """

    def __init__(self,
                 name: str = 'visualizer',
                 *,
                 line_width: float = 1.2,
                 point_size: float = 8.0,
                 fill_alpha: float = 0.15,
                 show_boxes: bool = False,
                 show_texts: Optional[bool] = None,
                 zoom: Optional[int] = None,
                 **kwargs) -> None:
        super().__init__(name, line_width=line_width, **kwargs)
        if zoom is not None and (zoom != int(zoom) or zoom < 1):
            raise ValueError(f'zoom must be a whole number from 1, got {zoom}')
        self.point_size = point_size
        self.fill_alpha = fill_alpha
        self.show_boxes = show_boxes
        self.show_texts = show_texts
        self.zoom = zoom
        self._image_size = (0, 0)

    @master_only
    def add_datasample(self, name: str, image: np.ndarray, *args,
                       **kwargs) -> None:
        """Draw a data sample as ``DetLocalVisualizer`` does, enlarged.

        Args:
            name (str): Identifier of the image.
            image (ndarray): RGB, shape (H, W, 3), or grey, shape (H, W) or
                (H, W, 1), in the range 0 to 255.
            *args: As for ``DetLocalVisualizer``.
            **kwargs: As for ``DetLocalVisualizer``.
        """
        image = np.atleast_3d(image)
        if image.shape[2] == 1:
            image = np.repeat(image, 3, axis=2)
        self._image_size = image.shape[:2]
        zoom = self.zoom or legible_zoom(*self._image_size)
        image = image.repeat(zoom, axis=0).repeat(zoom, axis=1)
        super().add_datasample(name, image, *args, **kwargs)

    def _draw_instances(self, image: np.ndarray, instances: InstanceData,
                        classes: Optional[List[str]],
                        palette: Optional[List[tuple]]) -> np.ndarray:
        """Draw the instances of ground truth or prediction.

        Args:
            image (ndarray): The enlarged image, RGB, shape (H, W, 3).
            instances (InstanceData): In pixels of the image before.
            classes (list[str], optional): Names of the classes.
            palette (list[tuple], optional): RGB colours of the classes.

        Returns:
            ndarray: The drawn image, RGB, shape (H, W, 3).
        """
        self.set_image(image)
        ax, points_per_pixel = self.ax_save, 72 / self.dpi
        height, width = self._image_size
        # From here on the axes count pixels of the image before enlarging.
        ax.images[0].set_extent((0, width, height, 0))
        ax.autoscale(False)

        bboxes = _plain_boxes(instances)
        masks = instances.get('masks', None)
        is_points = isinstance(masks, InstancePoints)
        labels = _labels(instances)
        line_width = self.line_width * points_per_pixel
        if masks is not None and not is_points:
            artists.add_outlines(
                ax,
                mask_outlines(masks),
                self._colors(self.mask_color, labels, classes, palette),
                line_width,
                alpha=self.alpha,
                fill_alpha=self.fill_alpha)
        if bboxes is not None and (masks is None or is_points
                                   or self.show_boxes):
            # Cycling colours would compete with those of the points.
            plain = is_points and not _has_classes(classes, labels)
            color = artists.TRUTH if plain and self.bbox_color is None else \
                self._colors(self.bbox_color, labels, classes, palette)
            artists.add_boxes(ax, bboxes, color, line_width, self.alpha)
        if is_points:
            size = artists.point_diameter(bboxes, masks.num_points,
                                          image.shape[1] / width,
                                          self.point_size)
            artists.add_points(ax, masks.coords, masks.labels,
                               size * points_per_pixel)
        show_texts = self.show_texts
        if show_texts is None:
            show_texts = _has_classes(classes, labels)
        if show_texts and bboxes is not None:
            self._write_names(instances, bboxes, labels, classes)
        return self.get_image()

    def _colors(self, color, labels: np.ndarray, classes: Optional[List[str]],
                palette: Optional[List[tuple]]) -> list:
        """A colour per cell, by class or in turn, as floats from 0 to 1."""
        if color is None and not _has_classes(classes, labels):
            return artists.cell_colors(len(labels))
        per_class = get_palette(palette if color is None else color,
                                int(labels.max(initial=0)) + 1)
        return [tuple(np.array(per_class[label]) / 255) for label in labels]

    def _write_names(self, instances: InstanceData, bboxes: np.ndarray,
                     labels: np.ndarray, classes: Optional[List[str]]) -> None:
        """Write class names, and scores where there are any, at the boxes."""
        text_colors = get_palette(self.text_color,
                                  int(labels.max(initial=0)) + 1)
        for i, (label, (x, y)) in enumerate(zip(labels, bboxes[:, :2])):
            text = classes[label] if classes else f'class {label}'
            if 'scores' in instances:
                text += f' {100 * float(instances.scores[i]):.0f}'
            self.ax_save.text(
                x,
                y,
                text,
                size=6,
                color=tuple(np.array(text_colors[label]) / 255),
                va='bottom',
                clip_on=True,
                bbox=dict(facecolor='black', alpha=0.5, pad=0.5, lw=0))


def _has_classes(classes: Optional[List[str]], labels: np.ndarray) -> bool:
    """Whether there is more than one class."""
    return len(classes or ()) > 1 or labels.max(initial=0) > 0


def _plain_boxes(instances: InstanceData) -> Optional[np.ndarray]:
    """Boxes of shape (N, 4); None if there are none or just placeholders."""
    bboxes = instances.get('bboxes', None)
    if isinstance(bboxes, BaseBoxes):
        bboxes = bboxes.tensor
    if bboxes is None or not len(bboxes):
        return None
    if isinstance(bboxes, torch.Tensor):
        bboxes = bboxes.detach().cpu().float().numpy()
    # Detectors without boxes, such as SOLO, put zeros.
    return bboxes if bboxes.any() else None


def _labels(instances: InstanceData) -> np.ndarray:
    """Class indices, int64, shape (N, ); zeros where there are none."""
    labels = instances.get('labels', None)
    if labels is None:
        return np.zeros(len(instances), np.int64)
    return np.asarray(labels, dtype=np.int64)
