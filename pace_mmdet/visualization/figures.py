"""Pictures of cells in the style of the paper's figures.

Each function returns a Matplotlib figure and touches no global state;
:func:`~pace_mmdet.images.saving.save_figure` writes it. Coordinates
are image pixels, continuous.

Letters in the shapes: N cells, H and W the image's height and width.
"""
from string import ascii_lowercase
from typing import List, Mapping, Optional, Sequence, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from pycocotools import mask as mask_utils

from pace_mmdet.masks.outlines import Outline, outlines_within
from pace_mmdet.points import AnnotationCost
from pace_mmdet.structures import InstancePoints

from . import artists
from .contours import Masks, mask_outlines
from .matching import most_different, run_length_codes

# Inches: the longer side of an image, space between and around images, above
# them for titles, above zooms for theirs, and below all for the legend.
_PANEL, _GAP, _TITLE, _ZOOM_TITLE, _FOOT = 5.0, 0.08, 0.35, 0.22, 0.3
_DOTTED = (0, (1.2, 1.2))
Window = Sequence[float]


def supervision_figure(image: np.ndarray,
                       bboxes: np.ndarray,
                       points: InstancePoints,
                       masks: Masks,
                       cost: AnnotationCost = AnnotationCost(),
                       window: Optional[Window] = None) -> Figure:
    """What full masks and what points ask of an annotator (Fig. 1).

    Args:
        image (ndarray): Grey (H, W), or RGB, uint8, (H, W, 3).
        bboxes (ndarray): Boxes (x1, y1, x2, y2), shape (N, 4).
        points (InstancePoints): The points of the N cells.
        masks: The masks of the N cells, in any form that
            :func:`~pace_mmdet.visualization.contours.mask_outlines` takes.
        cost (AnnotationCost): Times for the titles.
        window (Sequence[float], optional): Part (x1, y1, x2, y2) of the image
            to show.
    """
    figure, ((full, ), (weak, )) = _panels(image, 2, 2, window)
    for ax in (full, weak):
        artists.show_image(ax, image)
        artists.show_window(ax, window)
    outlines = mask_outlines(masks)
    artists.add_outlines(
        full, outlines, artists.cell_colors(len(outlines)), fill_alpha=0.3)
    artists.add_boxes(weak, bboxes)
    count = points.num_points
    shown = np.ptp([weak.get_xlim(), weak.get_ylim()], axis=1).max()
    size = artists.point_diameter(bboxes, count, 72 * _PANEL / shown, 5)
    artists.add_points(weak, points.coords, points.labels, size)
    full.set_title(f'Full mask: {cost.seconds_per_mask:g} s per cell')
    weak.set_title(f'Box and {count} point{"s" * (count != 1)}: '
                   f'{cost.seconds(count):.3g} s per cell')
    marks = [
        _mark('on the cell', artists.ON_CELL, 1),
        _mark('outside', artists.OFF_CELL, 0)
    ]
    if (points.labels == -1).any():
        marks.append(_mark('not used', artists.UNUSED, -1))
    _add_legend(figure, marks)
    return figure


def comparison_figure(image: np.ndarray,
                      truth: Masks,
                      predictions: Mapping[str, Masks],
                      ap50: Optional[Mapping[str, float]] = None,
                      num_zooms: int = 0,
                      columns: int = 2,
                      window: Optional[Window] = None) -> Figure:
    """Predictions over the truth, a panel per model (Fig. 6).

    The truth is a solid yellow line, the prediction a dotted red one.

    Args:
        image (ndarray): Grey (H, W), or RGB, uint8, (H, W, 3).
        truth: The annotated masks, in any form that
            :func:`~pace_mmdet.visualization.contours.mask_outlines` takes.
        predictions (Mapping): The predicted masks by the model's title, in
            the order of the panels.
        ap50 (Mapping, optional): AP50 of this image by the same titles, from
            0 to 1; shown in percent.
        num_zooms (int): How many of the cells that most tell the models
            apart (with one model: that it finds worst) are shown enlarged.
        columns (int): Panels per row.
        window (Sequence[float], optional): Part (x1, y1, x2, y2) of the image
            to show.

    Raises:
        ValueError: If there is nothing to compare, or ``ap50`` has titles
            that ``predictions`` lacks.
    """
    if not predictions:
        raise ValueError('expected the predictions of at least one model')
    unknown = sorted(set(ap50 or ()) - set(predictions))
    if unknown:
        raise ValueError(f'ap50 of {unknown}, but predictions of '
                         f'{sorted(predictions)}')
    windows = _zoom_windows(image.shape[:2], truth, predictions, num_zooms,
                            window) if num_zooms else []
    figure, panels = _panels(image, len(predictions), columns, window,
                             len(windows))
    truth_outlines = mask_outlines(truth)
    for panel, (title, masks) in zip(panels, predictions.items()):
        main, *zooms = panel
        outlines = mask_outlines(masks)
        _compare(main, image, truth_outlines, outlines, window, 0.8)
        for name, ax, part in zip(ascii_lowercase, zooms, windows):
            _compare(ax, image, truth_outlines, outlines, part, 1.6)
            artists.add_frame(main, part, name)
            ax.set_title(name, fontsize=8, pad=2)
        score = '' if not ap50 or title not in ap50 else \
            f'   AP50 {100 * ap50[title]:.1f}'
        main.set_title(title + score)
    _add_legend(figure, [
        Line2D([], [], color=artists.TRUTH, label='truth'),
        Line2D([], [],
               color=artists.PREDICTION,
               linestyle=_DOTTED,
               linewidth=2,
               label='prediction')
    ])
    return figure


def _compare(ax: Axes, image: np.ndarray, truth: Sequence[Outline],
             prediction: Sequence[Outline], window: Optional[Window],
             line_width: float) -> None:
    """Show a prediction over the truth, in a window of the image."""
    artists.show_image(ax, image)
    if window is not None:
        artists.show_window(ax, window)
        truth = outlines_within(truth, window)
        prediction = outlines_within(prediction, window)
    artists.add_outlines(ax, truth, line_width=line_width)
    artists.add_outlines(
        ax,
        prediction,
        artists.PREDICTION,
        line_width=1.4 * line_width,
        line_style=_DOTTED)


def _panels(image: np.ndarray,
            count: int,
            columns: int,
            window: Optional[Window],
            num_zooms: int = 0) -> Tuple[Figure, List[List[Axes]]]:
    """A figure with ``count`` panels shaped like the image or its window.

    The axes are placed by hand: Matplotlib's layout engines cut titles off
    images of fixed aspect, and draw everything several times.

    Returns:
        tuple: The figure, and for each panel the list of its main axes and
        the square axes of the row of zooms below it.
    """
    height, width = image.shape[:2]
    if window is not None:
        height, width = window[3] - window[1], window[2] - window[0]
    # Very long images get a panel that titles and the legend still fit on.
    width, height = _PANEL * np.clip(
        (width, height), 0.5 * max(width, height), None) / max(width, height)
    slots = max(num_zooms, 4)
    zoom = (width - (slots - 1) * _GAP) / slots
    strip = zoom + _ZOOM_TITLE if num_zooms else 0
    columns = min(columns, count)
    rows = -(-count // columns)
    cell_width, cell_height = width + _GAP, _TITLE + height + strip + _GAP
    size = columns * cell_width + _GAP, rows * cell_height + _FOOT
    figure = Figure(figsize=size)

    def add_axes(left: float, top: float, width: float, height: float) -> Axes:
        """Axes by inches from the figure's top left corner."""
        return figure.add_axes((left / size[0], 1 - (top + height) / size[1],
                                width / size[0], height / size[1]))

    panels = []
    for row, column in np.ndindex(rows, columns):
        left, top = _GAP + column * cell_width, _TITLE + row * cell_height
        below = top + height + _ZOOM_TITLE
        panels.append([
            add_axes(left, top, width, height),
            *(add_axes(left + i * (zoom + _GAP), below, zoom, zoom)
              for i in range(num_zooms))
        ])
    for axes in panels[count:]:
        for ax in axes:
            ax.remove()
    return figure, panels[:count]


def _zoom_windows(shape: Tuple[int, int], truth: Masks,
                  predictions: Mapping[str, Masks], count: int,
                  window: Optional[Window]) -> List[Window]:
    """Square windows around the cells that most tell the models apart."""
    codes = run_length_codes(truth, *shape)
    if not codes:
        return []
    x, y, width, height = np.transpose([mask_utils.toBbox(c) for c in codes])
    centres = np.stack([x + width / 2, y + height / 2], axis=1)
    sides = np.minimum(
        np.maximum(2 * np.maximum(width, height), 16), min(shape))
    seen = window or (0, 0, shape[1], shape[0])
    inside = ((centres >= seen[:2]) & (centres <= seen[2:])).all(axis=1)
    order = most_different(
        codes, [run_length_codes(m, *shape) for m in predictions.values()])
    picked = order[inside[order]][:min(count, len(ascii_lowercase))]
    room = np.array(shape[::-1]) - sides[:, None]
    corners = np.clip(centres - sides[:, None] / 2, 0, room)
    return [(*corners[i], *(corners[i] + sides[i])) for i in picked]


def _add_legend(figure: Figure, handles: List[Line2D]) -> None:
    """Put a legend in the figure's lower right corner."""
    figure.legend(
        handles=handles,
        loc='lower right',
        ncols=len(handles),
        frameon=False,
        fontsize=9,
        borderaxespad=0.2,
        handletextpad=0.5)


def _mark(text: str, color: str, label: int) -> Line2D:
    """A legend entry for points of a label."""
    return Line2D([], [],
                  linestyle='',
                  marker=artists.POINT_MARKERS[label],
                  color=color,
                  label=text)
