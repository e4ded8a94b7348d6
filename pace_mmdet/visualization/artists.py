"""Cells as Matplotlib collections: one collection for all cells of a kind.

A call per cell takes tens of seconds on an image of some thousand cells. All
coordinates are image pixels, continuous; ``ax`` must already show the image
with ``extent=(0, width, height, 0)``. Sizes of lines and markers are in
Matplotlib's points (1/72 inch).
"""
from typing import List, Optional, Sequence, Union

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_rgb, to_rgba_array
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from pace_mmdet.masks.outlines import Outline

ON_CELL = '#2b8cff'
"""Points on the cell: blue in the paper's Fig. 1, bright enough for grey."""
OFF_CELL = '#ff2a2a'
"""Points outside the cell: red in the paper's Fig. 1."""
UNUSED = '#c8c8c8'
"""Points that are not to be used."""
POINT_MARKERS = {1: 'o', 0: '^', -1: 'x'}
"""Shapes of points by label, for who can't tell the colours apart."""
TRUTH = '#ffe11a'
"""Annotated outlines and boxes: yellow in the paper's Fig. 6."""
PREDICTION = '#ff2a2a'
"""Predicted outlines: red, dotted in the paper's Fig. 6."""
CELLS = ('#ffd400', '#3ddc5a', '#35b4ff', '#ff7a3c', '#d96bff', '#1fe0d0',
         '#ff5c9a', '#b4e600', '#8799ff', '#ffb07a')
"""Colours that cells take in turn, so that neighbours can be told apart."""

_EDGED = 2.5  # points that are smaller would be mostly edge

Colors = Union[str, tuple, Sequence]


def cell_colors(count: int) -> List[tuple]:
    """The first ``count`` colours that cells take in turn, as RGB floats."""
    return [to_rgb(CELLS[i % len(CELLS)]) for i in range(count)]


def show_image(ax: Axes, image: np.ndarray, stretch: bool = True) -> None:
    """Show an image, and fix the axes to its borders.

    Args:
        ax (Axes): Where to.
        image (ndarray): Grey, shape (H, W), of any number type, or RGB,
            uint8, shape (H, W, 3).
        stretch (bool): Whether to map a grey image's 0.1 to 99.9 percentiles
            to black and white, as microscope images use little of their
            range. Otherwise 0 and 255 are.
    """
    height, width = image.shape[:2]
    limits = (0., 255.)
    if stretch and image.ndim == 2:
        low, high = np.nanpercentile(image, (0.1, 99.9))
        limits = (low, max(high, low + 1e-6))
    ax.imshow(
        image,
        cmap='gray',
        vmin=limits[0],
        vmax=limits[1],
        extent=(0, width, height, 0),
        interpolation='nearest')
    ax.set_axis_off()
    ax.autoscale(False)


def add_outlines(ax: Axes,
                 outlines: Sequence[Outline],
                 colors: Colors = TRUTH,
                 line_width: float = 0.8,
                 line_style: Union[str, tuple] = '-',
                 alpha: float = 1.0,
                 fill_alpha: float = 0.0) -> None:
    """Draw the outlines of N cells.

    Args:
        ax (Axes): Where to.
        outlines (Sequence): What
            :func:`~pace_mmdet.visualization.contours.mask_outlines` gives.
        colors: One Matplotlib colour for all or N of them.
        line_width (float): Width of the lines.
        line_style (str | tuple): Matplotlib line style.
        alpha (float): Opacity of the lines.
        fill_alpha (float): Opacity of the cells' inside; holes stay open.
    """
    paths = [_outline_path(rings) for rings in outlines]
    ax.add_collection(
        PathCollection(
            paths,
            facecolors=to_rgba_array(colors, fill_alpha)
            if fill_alpha and len(paths) else 'none',
            edgecolors=to_rgba_array(colors, alpha),
            linewidths=line_width,
            linestyles=[line_style],
            zorder=2))


def _outline_path(rings: Outline) -> Path:
    """One closed path for a cell with all its rings."""
    if not rings:
        return Path(np.zeros((0, 2)))
    return Path.make_compound_path(
        *(Path(np.concatenate([ring, ring[:1]]), closed=True)
          for ring in rings))


def add_boxes(ax: Axes,
              bboxes: np.ndarray,
              colors: Colors = TRUTH,
              line_width: float = 0.8,
              alpha: float = 0.8) -> None:
    """Draw boxes (x1, y1, x2, y2), shape (N, 4)."""
    corners = np.asarray(bboxes, dtype=np.float64).reshape(-1, 4)
    corners = corners[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    ax.add_collection(
        PolyCollection(
            corners,
            facecolors='none',
            edgecolors=to_rgba_array(colors, alpha),
            linewidths=line_width,
            joinstyle='miter',
            zorder=2.5))


def add_points(ax: Axes,
               coords: np.ndarray,
               labels: np.ndarray,
               size: float = 3.5) -> None:
    """Draw points: on a cell blue discs, off it red triangles, unused crosses.

    Args:
        ax (Axes): Where to.
        coords (ndarray): Positions (x, y), shape (..., 2).
        labels (ndarray): 1, 0 or -1, shape (...).
        size (float): Diameter. Large points get a white edge.
    """
    edge = 0.12 * size if size >= _EDGED else 0
    coords, labels = np.reshape(coords, (-1, 2)), np.ravel(labels)
    ax.scatter(
        *coords[labels == -1].T,
        s=(0.8 * size)**2,
        marker=POINT_MARKERS[-1],
        c=UNUSED,
        linewidths=0.2 * size,
        zorder=3)
    for label, color in ((0, OFF_CELL), (1, ON_CELL)):
        ax.scatter(
            *coords[labels == label].T,
            s=(size * (1 if label else 1.2))**2,  # of about the same area
            marker=POINT_MARKERS[label],
            c=color,
            edgecolors='white',
            linewidths=edge,
            zorder=3)


def point_diameter(bboxes: Optional[np.ndarray], num_points: int, scale: float,
                   largest: float) -> float:
    """Diameter at which a cell's points leave most of the cell visible.

    Args:
        bboxes (ndarray, optional): Boxes of the cells in image pixels, shape
            (N, 4).
        num_points (int): Points per cell.
        scale (float): Units of the diameter per image pixel.
        largest (float): The most to return, which is 4 times the least.
    """
    if bboxes is None or not len(bboxes):
        return largest
    sizes = np.asarray(bboxes)[:, 2:] - np.asarray(bboxes)[:, :2]
    room = np.sqrt(np.median(sizes.prod(axis=1)) / max(num_points, 1))
    return float(np.clip(0.4 * room * scale, largest / 4, largest))


def add_frame(ax: Axes, window: Sequence[float], text: str) -> None:
    """Mark a window (x1, y1, x2, y2) of the image by a frame and a name."""
    add_boxes(ax, [window], 'white', line_width=1.2, alpha=1.0)
    # Above the frame, but for one at the top of the image.
    above = window[1] > 0.05 * ax.get_ylim()[0]
    ax.annotate(
        text, (window[0], window[1] if above else window[3]),
        xytext=(0, 2 if above else -2),
        textcoords='offset points',
        va='bottom' if above else 'top',
        color='white',
        fontsize=9,
        fontweight='bold',
        annotation_clip=True,
        path_effects=[withStroke(linewidth=2.5, foreground='black')],
        zorder=4)


def show_window(ax: Axes, window: Optional[Sequence[float]]) -> None:
    """Restrict the axes to a window (x1, y1, x2, y2) of the image."""
    if window is not None:
        ax.set_xlim(window[0], window[2])
        ax.set_ylim(window[3], window[1])
