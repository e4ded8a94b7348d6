"""How a config prepares images for its network."""
import contextlib
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Iterator, List, Optional, Tuple, Union

import numpy as np
from mmcv import rescale_size
from mmengine.config import Config

from pace_mmdet.coco.box_sizes import measure_boxes
from pace_mmdet.engine.cell_scale import training_files
from pace_mmdet.errors import UserError
from pace_mmdet.images.intensities import Scaling, check_mode, scaling_of

from .tiling import LEFT_WHOLE

DEFAULT_SCORE_THR = 0.35
"""The F1-best threshold of ``pace_r18_hela_4pt`` on its validation images
(``tools/analysis_tools/score_threshold.py``): F1 90.0 % there, 89.5 % at 0.5,
88.1 % at 0.05."""
TILE_SIZE = 768
_LOADERS = ('LoadMicroscopyImage', 'LoadImageFromFile')
# They do nothing to the pixels, or what the model's data preprocessor does.
_PASSED_OVER = ('LoadAnnotations', 'LoadPointAnnotations',
                'LoadPolygonAnnotations', 'Pad', 'PackDetInputs')


@dataclass(frozen=True)
class Preparation:
    """From an image as it is in its file to what the network gets.

    Attributes:
        normalize (str): As of
            :class:`~pace_mmdet.datasets.LoadMicroscopyImage`.
        low (float): As there.
        high (float): As there.
        to_float32 (bool): As there.
        channel (int, optional): As there; what is read of files unless the
            user says otherwise.
        scale (float): Sizes the image so that its cells are as large as in
            the images of training.
        resize (dict): The arguments of the config's ``Resize``, which comes
            after; empty without.
        image_shape (tuple[int], optional): Height and width of the images
            that a ``Resize`` to a fixed size was chosen for. Other images
            are then resized by the same factor. By default, each image is
            resized to that size.
    """
    normalize: str = 'percentile'
    low: float = 0.1
    high: float = 99.9
    to_float32: bool = False
    channel: Optional[int] = None
    scale: float = 1.0
    resize: Any = None
    image_shape: Optional[Tuple[int, int]] = None

    def intensities(self, img: np.ndarray) -> np.ndarray:
        """Bring an image of any type to the range of 8 bits.

        Raises:
            ValueError: If ``normalize`` refuses it.
        """
        return self.scaling(img).apply(img, self.dtype)

    @property
    def dtype(self) -> type:
        """Of the images that the network gets."""
        return np.float32 if self.to_float32 else np.uint8

    def scaling(self, img: np.ndarray) -> Scaling:
        """How an image, or a sample of its pixels, is to be brought there.

        Raises:
            ValueError: If ``normalize`` refuses it.
        """
        return scaling_of(img, self.normalize, self.low, self.high)

    def shown(self, img: np.ndarray) -> np.ndarray:
        """The same for who looks at it.

        Standardised, all images are of one brightness: black is grey, and
        bright cells are without detail. They are stretched instead.
        """
        if self.normalize != 'standard':
            return self.intensities(img)
        return Preparation().intensities(img)

    def factor(self, height: int, width: int) -> float:
        """By how much an image is resized for the network.

        Args:
            height (int): Height of the image in pixels.
            width (int): Width of the image in pixels.
        """
        resize = self.resize or {}
        if resize.get('scale_factor') is not None:
            return self.scale * resize['scale_factor']
        if resize.get('scale') is None:
            return self.scale
        height, width = self.image_shape or (height, width)
        _, factor = rescale_size((width, height), tuple(resize['scale']),
                                 return_scale=True)
        return self.scale * factor


def preparation_of(cfg: Config) -> Preparation:
    """The preparation that a config's test pipeline describes.

    Args:
        cfg (Config): With a ``test_dataloader``. A ``predict_cfg`` may say
            the ``image_shape``.

    Raises:
        UserError: If the pipeline holds what cannot be done tile by tile.
        Exception: Of any kind, if values are of types that make no sense;
            see :func:`naming_config`.
    """
    pipeline = _pipeline(cfg)
    names = [transform['type'] for transform in pipeline]
    if not names or names[0] not in _LOADERS:
        raise UserError('the config\'s test pipeline should begin with one '
                        f'of {_LOADERS}, it is {names}')
    found = Preparation(normalize='none')
    loader = pipeline[0]
    if names[0] == 'LoadMicroscopyImage':
        wanted = {
            key: loader[key]
            for key in ('normalize', 'low', 'high', 'to_float32', 'channel')
            if key in loader
        }
        found = replace(Preparation(), **wanted)
        check_mode(found.normalize, found.low, found.high)
        if not isinstance(found.channel, (int, type(None))):
            raise UserError('the config\'s test pipeline has channel='
                            f'{found.channel!r}, expected a number')
    resizes = [t for t in pipeline[1:] if t['type'] == 'Resize']
    others = [
        t['type'] for t in pipeline[1:]
        if t['type'] not in (*_PASSED_OVER, 'Resize')
    ]
    if others or len(resizes) > 1 or not all(
            map(_is_plain, resizes)):
        raise UserError(
            'the config\'s test pipeline is not for images of any size: '
            f'beside {", ".join(_LOADERS + _PASSED_OVER)} it may hold one '
            f'bilinear Resize with keep_ratio=True, it is {names}. Change '
            'it, in a config given with --config')
    found = replace(
        found,
        resize=dict(resizes[0]) if resizes else None,
        image_shape=(cfg.get('predict_cfg') or {}).get('image_shape'))
    # So that what makes no sense shows here, not with the first image.
    found.factor(TILE_SIZE, TILE_SIZE)
    return found


@contextlib.contextmanager
def naming_config(source: Union[str, Path]) -> Iterator[None]:
    """Say of errors that a config's values lead to whose config it is.

    Args:
        source (str or Path): The config file, or the checkpoint that it is
            stored in.
    """
    try:
        yield
    except UserError:
        raise
    # Its values may be of any type, and anything stumbles upon them.
    except Exception as error:
        reason = ' '.join(f'{type(error).__name__}: {error}'.split())
        raise UserError(
            f'{source}: its config is not usable for prediction ({reason}); '
            'give the config that it was trained with: --config FILE') \
            from error


def tile_size(cfg: Config) -> int:
    """Side of the tiles that large images are cut into.

    Images of the size that the config is made for are left whole.

    Args:
        cfg (Config): Its ``predict_cfg`` may say an ``image_shape``.

    Returns:
        int: In pixels of the network's input.
    """
    shape = (cfg.get('predict_cfg') or {}).get('image_shape')
    if shape is None:
        return TILE_SIZE
    longest = max(shape) * preparation_of(cfg).factor(*shape)
    return max(TILE_SIZE, math.ceil(longest / LEFT_WHOLE / 64) * 64)


def score_threshold(cfg: Config, wanted: Optional[float] = None) -> float:
    """The score from which a cell counts.

    Args:
        cfg (Config): Its ``predict_cfg`` may say a ``score_thr``.
        wanted (float, optional): What the user says.
    """
    if wanted is not None:
        return wanted
    return (cfg.get('predict_cfg') or {}).get('score_thr', DEFAULT_SCORE_THR)


def trained_diameter(cfg: Config) -> float:
    """Typical size of the cells that a config trains on.

    It is what ``predict_cfg.diameter`` says, else the median over the
    training boxes of the square root of their area.

    Returns:
        float: In pixels of the training images.

    Raises:
        UserError: If the config does not say and its annotations are not
            there.
    """
    known = (cfg.get('predict_cfg') or {}).get('diameter')
    if known:
        return float(known)
    paths = training_files(cfg)
    if not (paths and all(path.is_file() for path in paths)):
        raise UserError(
            '--diameter: how large the cells of training were is not known: '
            'the config has no predict_cfg=dict(diameter=...), and its '
            f'annotations ({", ".join(map(str, paths))}) are not here; give '
            '--scale instead')
    sizes = measure_boxes(paths)
    if sizes is None:
        raise UserError(f'--diameter: {", ".join(map(str, paths))} has no '
                        'cells; give --scale')
    return sizes.diameter


def _pipeline(cfg: Config) -> List[dict]:
    loader = cfg.get('test_dataloader') or {}
    pipeline = (loader.get('dataset') or {}).get('pipeline')
    if not pipeline:
        raise UserError('the config has no test_dataloader with a pipeline')
    return [dict(transform) for transform in pipeline]


def _is_plain(resize: dict) -> bool:
    """Whether a ``Resize`` is by one factor, bilinear."""
    if resize.get('interpolation', 'bilinear') != 'bilinear':
        return False
    factor = resize.get('scale_factor')
    fixed = resize.get('scale')
    if factor is not None:
        return isinstance(factor, (int, float))
    return bool(resize.get('keep_ratio')) and isinstance(fixed, (list, tuple))
