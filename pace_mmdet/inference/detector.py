"""A trained network, as a function from tiles to cells."""
import contextlib
import functools
import hashlib
import os
from pathlib import Path
from typing import Any, Iterator, List, Optional, Sequence, Union

import mmcv
import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader
from torch import nn

from pace_mmdet.engine.cell_scale import fit_to_cells
from pace_mmdet.engine.configuring import read_config
from pace_mmdet.engine.running import load_weights
from pace_mmdet.engine.safe_loading import (load_checkpoint_file,
                                            use_safe_loading)
from pace_mmdet.engine.stored_config import stored_config
from pace_mmdet.errors import UserError
from pace_mmdet.masks.codes import encode_bitmaps, to_rles

from .cells import Cells, cells_from_codes
from .preparation import naming_config, preparation_of, score_threshold

# Tiles begin at its multiples and are then seen alike: the coarsest stride of
# the feature pyramids here.
STRIDE = 64
# Of the images that a config's limits are for, unless it says otherwise.
USUAL_PIXELS = 512 * 512


class NetworkDetector:
    """Runs an MMDetection model on tiles.

    A config limits the numbers of proposals and detections of an image. They
    fit the images of its data set; for a tile that is larger than these they
    are raised in proportion, or it would lose cells (on HeLa, a field of 490
    nuclei that is seen as one image loses every fourth).

    Args:
        model (nn.Module): An instance segmentation model, with weights.
        classes (Sequence[str]): Names of its classes.
        usual_pixels (float): Pixels of the network's input that the config's
            limits are for.
        in_bfloat16 (bool): Whether to compute in 16 bits what loses nothing
            by it (boxes, offsets and RoIAlign do); faster on a GPU.

    Attributes:
        step (int): What tiles should begin at a multiple of, in pixels of
            the network's input.
    """

    step = STRIDE

    def __init__(self,
                 model: nn.Module,
                 classes: Sequence[str] = ('cell', ),
                 usual_pixels: float = USUAL_PIXELS,
                 in_bfloat16: bool = False) -> None:
        self.in_bfloat16 = in_bfloat16
        self.model = model.eval()
        self.classes = tuple(classes)
        self.usual_pixels = usual_pixels
        self._limits = [
            (part, key, part[key]) for key in ('nms_pre', 'max_per_img')
            for part in _parts_with(getattr(model, 'test_cfg', None), key)
        ]
        # As they are now: they are changed for large tiles.
        self._settings = repr((self.classes, getattr(model, 'test_cfg', None),
                               in_bfloat16))
        last = (getattr(model, 'test_cfg', None) or {})
        self._last = last.get('rcnn', last)

    @property
    def limit(self) -> Optional[int]:
        """The most cells that the last call could give for a tile."""
        return self._last.get('max_per_img')

    def _set_limits(self, pixels: float) -> None:
        times = max(pixels / self.usual_pixels, 1)
        for part, key, usual in self._limits:
            # Below 0 there is no limit.
            part[key] = int(np.ceil(usual * times)) if usual > 0 else usual

    @torch.no_grad()
    def __call__(self, tiles: Sequence[np.ndarray], factor: float,
                 zoom: int = 1) -> List[Cells]:
        """Find the cells of some tiles, in one batch.

        Args:
            tiles (Sequence[ndarray]): uint8 or float32 in the range of 8
                bits, shape (H, W), or (H, W, 3) in RGB order.
            factor (float): By how much they are resized for the network.
            zoom (int): How many pixels of the image are one of the tiles,
                which are of a reduced copy then.

        Returns:
            list[Cells]: Of each tile, in pixels of the image.
        """
        inputs, samples = [], []
        for tile in tiles:
            height, width = tile.shape[:2]
            img = as_bgr(tile)
            if factor != 1:
                # Rounded as MMCV's Resize does.
                size = [max(int(side * factor + 0.5), 1)
                        for side in (width, height)]
                img = mmcv.imresize(img, size)
            height, width = height * zoom, width * zoom
            self._set_limits(img.shape[0] * img.shape[1])
            inputs.append(torch.from_numpy(np.ascontiguousarray(
                img.transpose(2, 0, 1))))
            samples.append(
                DetDataSample(
                    metainfo=dict(
                        img_id=0,
                        img_path='',
                        ori_shape=(height, width),
                        img_shape=img.shape[:2],
                        scale_factor=(img.shape[1] / width,
                                      img.shape[0] / height))))
        with torch.autocast(self._device.type, torch.bfloat16,
                            enabled=self.in_bfloat16):
            found = self.model.test_step(dict(inputs=inputs,
                                              data_samples=samples))
        return [_cells(sample.pred_instances, *sample.ori_shape)
                for sample in found]

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    @functools.cached_property
    def identity(self) -> str:
        """Tells this model from others, by its weights and settings."""
        digest = hashlib.sha256(self._settings.encode())
        for name, value in self.model.state_dict().items():
            digest.update(name.encode())
            digest.update(value.cpu().numpy().tobytes())
        return digest.hexdigest()


def load_detector(checkpoint: Union[str, Path],
                  config: Union[str, Path, None] = None,
                  score_thr: Optional[float] = None,
                  device: Optional[str] = None,
                  trust: bool = False,
                  in_bfloat16: bool = False,
                  views: Optional[int] = None) -> tuple:
    """Load a trained model.

    Args:
        checkpoint (str or Path): A checkpoint of training.
        config (str or Path, optional): By default, the one in the
            checkpoint.
        score_thr (float, optional): Cells that score less need not be found;
            by default as :func:`score_threshold` has it.
        device (str, optional): Such as 'cuda:1' or 'cpu'; by default a GPU
            if there is one.
        trust (bool): Whether to run code that the checkpoint may hold.
        in_bfloat16 (bool): As of :class:`NetworkDetector`.
        views (int, optional): From how many sides a flow model looks at an
            image, see ``CenterFlowDetector``; by default as its config says.

    Returns:
        tuple[NetworkDetector, Config]: The model, and its config.

    Raises:
        UserError: If a file is missing or wrong, they do not fit each other,
            or the model gives no masks.
    """
    content = load_checkpoint_file(checkpoint, 'cpu', trust)
    if config is None:
        cfg = stored_config(content, checkpoint, trust)
    else:
        cfg = read_config(config)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    if not cfg.get('model'):
        raise UserError(f'{config or checkpoint}: the config has no model')
    with _safe_loading(trust), naming_config(config or checkpoint):
        fit_to_cells(cfg, content)
        _prepare_model_cfg(cfg.model, score_threshold(cfg, score_thr))
        if views is not None:
            _set_views(cfg.model, views)
        model = revert_sync_batchnorm(MODELS.build(cfg.model))
        usual_pixels = _usual_pixels(cfg)
    load_weights(model, content, str(checkpoint))
    if getattr(model, 'roi_head', None) is not None and \
            not model.roi_head.with_mask:
        raise UserError(f'{checkpoint}: this model finds boxes only, no masks')
    classes = _classes(content)
    try:
        model.to(device or get_device())
    # Without any GPU, PyTorch asserts that there is one.
    except (RuntimeError, AssertionError) as error:
        raise UserError(f'--device {device}: {error}') from None
    return NetworkDetector(model, classes, usual_pixels, in_bfloat16), cfg


def _classes(checkpoint: dict) -> Sequence[str]:
    meta = (checkpoint.get('meta') or {}).get('dataset_meta')
    classes = meta.get('classes') if isinstance(meta, dict) else None
    if isinstance(classes, (list, tuple)) and classes:
        return tuple(map(str, classes))
    return ('cell', )


@contextlib.contextmanager
def _safe_loading(trust: bool) -> Iterator[None]:
    """Make models that load others, such as teachers, do so safely.

    PyTorch's switches and mmengine's loader are put back: whoever calls this
    from a notebook loads files of their own, too.
    """
    before = {name: value for name, value in os.environ.items()
              if name.startswith('TORCH_FORCE_')}
    loader = CheckpointLoader._get_checkpoint_loader('')
    use_safe_loading(trust)
    try:
        yield
    finally:
        for name in [name for name in os.environ
                     if name.startswith('TORCH_FORCE_')]:
            del os.environ[name]
        os.environ.update(before)
        CheckpointLoader.register_scheme('', loader, force=True)


def _prepare_model_cfg(model: dict, score_thr: float) -> None:
    """Ask for run-length codes, and leave out what is dropped anyway."""
    test_cfg = model.get('test_cfg') or {}
    if 'rcnn' in test_cfg:
        test_cfg.rcnn.mask_codes = True
    for part in _parts_with(test_cfg, 'score_thr'):
        part['score_thr'] = max(part['score_thr'], score_thr)


def _set_views(model: dict, views: int) -> None:
    head = model.get('bbox_head') or {}
    if head.get('type') != 'CenterFlowHead':
        raise UserError(f'only flow models look at an image from {views} '
                        f'sides, this one is a {model.get("type")}')
    # Checkpoints of before that was possible name another detector.
    model['type'] = 'CenterFlowDetector'
    model['test_cfg'] = dict(model.get('test_cfg') or {}, views=views)


def _parts_with(value: Any, key: str) -> Iterator[dict]:
    if isinstance(value, dict):
        if key in value:
            yield value
        for child in value.values():
            yield from _parts_with(child, key)


def _usual_pixels(cfg: Config) -> float:
    """The size of the network's input that a config is made for."""
    shape = (cfg.get('predict_cfg') or {}).get('image_shape')
    if shape is None:
        return USUAL_PIXELS
    factor = preparation_of(cfg).factor(*shape)
    return shape[0] * shape[1] * factor**2


def as_bgr(tile: np.ndarray) -> np.ndarray:
    """What ``LoadMicroscopyImage`` makes of an image: three channels."""
    if tile.ndim == 2:
        return np.repeat(tile[..., None], 3, axis=2)
    return tile[..., ::-1]


def _cells(found, height: int, width: int) -> Cells:
    if 'masks' not in found:
        raise UserError('this model finds boxes only, no masks')
    masks = found.masks
    if not isinstance(masks, list):
        masks = to_rles(encode_bitmaps(masks), height, width)
    return cells_from_codes(masks, found.bboxes.cpu().numpy(),
                            found.scores.cpu().numpy(),
                            found.labels.cpu().numpy(), height, width)
