"""From images of any size to their cells."""
import math
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import (Callable, Dict, Hashable, Iterable, Iterator, List,
                    Optional, Sequence, Tuple, Union)

import numpy as np

from pace_mmdet.errors import UserError
from pace_mmdet.images.intensities import Intensities, check_mode

from .cells import Cells
from .detector import load_detector
from .merging import drop_hidden, merge_tiles
from .preparation import (DEFAULT_SCORE_THR, TILE_SIZE, Preparation,
                          naming_config, preparation_of, score_threshold,
                          tile_size, trained_diameter)
from .tiling import LEFT_WHOLE, Layout, Tile, plan_tiles

OVERLAP = 192
# Between what an image is resized by and what was asked for, relative.
_MOST_OFF = 0.05

Detector = Callable[[Sequence[np.ndarray], float], List[Cells]]


@dataclass
class Segmented:
    """The cells of one image, and what happened on the way.

    Attributes:
        cells (Cells): In reading order: by the row, then the column where
            their boxes of pixels begin.
        num_tiles (int): Tiles that the image was cut into.
        joined (int): Cells that are larger than the tiles' overlap and were
            put together from pieces.
        full_tiles (int): Tiles with as many cells as the model gives at
            most: some may be missing.
    """
    cells: Cells
    num_tiles: int = 1
    joined: int = 0
    full_tiles: int = 0


@dataclass
class _Pending:
    """An image whose tiles are under way."""
    key: Hashable
    img: np.ndarray
    factor: float
    layout: Layout
    tiles: List[Tile]
    found: Dict[int, Cells] = field(default_factory=dict)
    full: int = 0


class Segmenter:
    """Finds the cells of images.

    The intensities of an image are normalised over the whole of it, so that
    its tiles agree; then it is cut into overlapping tiles if it is large.
    Tiles of one size go through the network in batches, whichever image they
    are from.

    Args:
        detector (Callable): Takes tiles and the factor to resize them by,
            and gives the cells of each, such as
            :class:`~pace_mmdet.inference.detector.NetworkDetector`.
        preparation (Preparation): Intensities and size.
        score_thr (float): Cells that score less are left out.
        tile_size (int): Side of a tile, in pixels of the network's input.
        overlap (int): By how much tiles overlap at least, in the same
            pixels. Cells should be smaller.
        batch_size (int): Tiles that go through the network at once.

    Raises:
        UserError: If an argument makes no sense.
    """

    def __init__(self,
                 detector: Detector,
                 preparation: Preparation = Preparation(),
                 score_thr: float = DEFAULT_SCORE_THR,
                 tile_size: int = TILE_SIZE,
                 overlap: int = OVERLAP,
                 batch_size: int = 1) -> None:
        step = getattr(detector, 'step', 1)
        most = tile_size - 2 * step
        if most <= 0:
            raise UserError(f'tiles of {tile_size} pixels: they must be '
                            f'larger than {2 * step}')
        if not 0 <= overlap < most:
            raise UserError(
                f'tiles of {tile_size} pixels cannot overlap by {overlap}: '
                f'expected 0 <= overlap < {most}')
        if not 0 <= score_thr <= 1:
            raise UserError('the score threshold must be between 0 and 1, '
                            f'got {score_thr}')
        if batch_size < 1:
            raise UserError(f'batches of {batch_size} tiles; expected at '
                            'least 1')
        self.detector = detector
        self.preparation = preparation
        self.score_thr = score_thr
        self.tile_size = tile_size
        self.overlap = overlap
        self.batch_size = batch_size

    def __call__(self, img: np.ndarray) -> Cells:
        """Find the cells of one image.

        Args:
            img (ndarray): As :func:`~pace_mmdet.images.stacks.
                read_image` gives it, shape (H, W) or (H, W, 3) in RGB order.

        Returns:
            Cells: In pixels of the image.

        Raises:
            ValueError: If its values cannot be normalised.
        """
        img = self.preparation.intensities(img)
        (_, segmented), = self.stream([(0, img)])
        return segmented.cells

    def stream(
        self,
        images: Iterable[Tuple[Hashable, np.ndarray]],
        on_tile: Callable[[Hashable, int, int], None] = lambda *_: None
    ) -> Iterator[Tuple[Hashable, Segmented]]:
        """Find the cells of many images, their tiles batched.

        Args:
            images (Iterable): Keys and images, each as
                ``preparation.intensities`` gives it; taken one after the
                other.
            on_tile (Callable): Called with an image's key, its tiles that
                are done and their number.

        Yields:
            tuple[Hashable, Segmented]: As soon as an image is done; not
            always in order.
        """
        waiting: Dict[tuple, List[Tuple[_Pending, int]]] = defaultdict(list)
        for key, img in images:
            image = self._plan(key, img)
            on_tile(key, 0, len(image.tiles))
            for number, tile in enumerate(image.tiles):
                shape = tile.cut(image.img).shape
                batch = waiting[shape, image.factor]
                batch.append((image, number))
                if len(batch) == self.batch_size:
                    yield from self._run(batch, on_tile)
            # No more images are held than fit into a batch.
            if len({id(i) for b in waiting.values()
                    for i, _ in b}) >= self.batch_size:
                for batch in waiting.values():
                    yield from self._run(batch, on_tile)
        for batch in waiting.values():
            yield from self._run(batch, on_tile)

    def _plan(self, key: Hashable, img: np.ndarray) -> _Pending:
        height, width = img.shape[:2]
        factor, layout = self.plan(
            height, width, self.preparation.factor(height, width))
        return _Pending(key, img, factor, layout, layout.tiles())

    def plan(self, height: int, width: int,
             factor: float) -> Tuple[float, Layout]:
        """Cut an image into tiles.

        Args:
            height (int): Height of the image in pixels.
            width (int): Width of the image in pixels.
            factor (float): By how much it is to be resized.

        Returns:
            tuple[float, Layout]: By how much its tiles are resized, which is
            about the same, and the tiles.
        """
        stride = getattr(self.detector, 'step', 1)
        size, step = max(round(self.tile_size / factor), 1), 1
        if max(height, width) > LEFT_WHOLE * size and stride > 1:
            factor, step = aligned_factor(factor, stride)
            size = step * math.ceil(self.tile_size / stride)
        return factor, plan_tiles(height, width, size,
                                  int(self.overlap / factor), step)

    def _run(self, batch: List[Tuple[_Pending, int]],
             on_tile: Callable) -> Iterator[Tuple[Hashable, Segmented]]:
        """Run a batch, empty it, and give the images that it completes."""
        if not batch:
            return
        jobs, batch[:] = list(batch), []
        found = self.detector(
            [image.tiles[number].cut(image.img) for image, number in jobs],
            jobs[0][0].factor)
        limit = getattr(self.detector, 'limit', None)
        for (image, number), cells in zip(jobs, found):
            image.full += limit is not None and len(cells) >= limit
            tile = image.tiles[number]
            image.found[number] = cells[cells.scores >= self.score_thr
                                        ].shifted(tile.x1, tile.y1,
                                                  *image.img.shape[:2])
            on_tile(image.key, len(image.found), len(image.tiles))
            if len(image.found) == len(image.tiles):
                yield image.key, _finish(image)


def aligned_factor(factor: float, stride: int) -> Tuple[float, int]:
    """Resize by a little more or less, so that tiles can be alike.

    The pixels of the network's input fall at the same places in all tiles
    only if tiles begin at multiples of its stride and at whole pixels of the
    image.

    Args:
        factor (float): By how much an image is to be resized.
        stride (int): In pixels of the network's input.

    Returns:
        tuple[float, int]: The nearest factor by which so many pixels of the
        image, the second number, become ``stride``. It differs by less than
        1 % for factors up to 1.2, by less than 2 % up to 2.5.

    Raises:
        UserError: If it differs by more than 5 %.
    """
    step = max(round(stride / factor), 1)
    if abs(stride / step / factor - 1) > _MOST_OFF:
        raise UserError(
            f'an image that is cut into tiles cannot be resized by '
            f'{factor:.4g}; the nearest factor is {stride / step:.4g}: take '
            'another --scale or --diameter, or a --tile-size that leaves it '
            'whole')
    return stride / step, step


def _finish(image: _Pending) -> Segmented:
    """Merge the tiles of an image."""
    count = len(image.tiles)
    cells, joined = merge_tiles([image.found[i] for i in range(count)],
                                image.layout)
    boxes = cells.mask_boxes
    cells = drop_hidden(cells[np.lexsort((boxes[:, 0], boxes[:, 1]))])
    return Segmented(cells, count, joined, image.full)


def load_segmenter(checkpoint: Union[str, Path],
                   config: Union[str, Path, None] = None,
                   score_thr: Optional[float] = None,
                   intensities: Optional[Intensities] = None,
                   scale: float = 1.0,
                   diameter: Optional[float] = None,
                   device: Optional[str] = None,
                   trust: bool = False,
                   in_bfloat16: bool = False,
                   views: Optional[int] = None,
                   **tiling: Optional[int]) -> Segmenter:
    """Load a trained model as a :class:`Segmenter`.

    Args:
        checkpoint (str or Path): A checkpoint of training.
        config (str or Path, optional): By default, the one in the
            checkpoint.
        score_thr (float, optional): Cells that score less are left out. By
            default ``predict_cfg.score_thr`` of the config, else 0.35.
        intensities (Intensities, optional): How they become 8 bits; by
            default as the config's test pipeline has it.
        scale (float): Sizes the images so that their cells are as large as
            those of training: 0.5 for images taken at twice the
            magnification.
        diameter (float, optional): How large cells are in the images, in
            pixels: the scale is then found from it.
        device (str, optional): Such as 'cuda:1' or 'cpu'; by default a GPU
            if there is one.
        trust (bool): Whether to run code that the checkpoint may hold.
        in_bfloat16 (bool): Whether to compute in 16 bits what loses nothing
            by it: faster on a GPU.
        views (int, optional): From how many sides a flow model looks at an
            image, 1, 2 or 4; by default as its config says.
        **tiling: ``tile_size``, ``overlap`` and ``batch_size`` of
            :class:`Segmenter`. Without a tile size (or None), tiles are so
            large that images as the config's are left whole.

    Raises:
        UserError: If a file is missing or wrong, they do not fit each other,
            or an argument makes no sense.
    """
    detector, cfg = load_detector(checkpoint, config, score_thr, device,
                                  trust, in_bfloat16, views)
    with naming_config(config or checkpoint):
        preparation = preparation_of(cfg)
        usual_tile = tile_size(cfg)
        threshold = score_threshold(cfg, score_thr)
    if intensities is not None:
        mode, low, high = intensities
        try:
            check_mode(mode, low, high)
        except ValueError as error:
            raise UserError(str(error)) from None
        preparation = replace(preparation, normalize=mode, low=low,
                              high=high)
    if diameter is not None:
        if scale != 1:
            raise UserError('give a scale or a diameter, not both')
        if not diameter > 0:
            raise UserError(f'the diameter must be above 0, got {diameter}')
        with naming_config(config or checkpoint):
            scale = trained_diameter(cfg) / diameter
    if not 0.01 <= scale <= 100:
        raise UserError('the scale must be between 0.01 and 100, got '
                        f'{scale:g}')
    if tiling.get('tile_size') is None:
        tiling['tile_size'] = usual_tile
    return Segmenter(detector, replace(preparation, scale=scale),
                     threshold, **tiling)
