"""Drawing predictions during validation and testing."""
from pathlib import Path
from typing import Optional, Sequence

import mmcv
import numpy as np
import torch
from mmdet.engine.hooks import DetVisualizationHook
from mmdet.registry import HOOKS
from mmdet.structures import DetDataSample
from mmengine.runner import Runner


@HOOKS.register_module()
class CellVisualizationHook(DetVisualizationHook):
    """``DetVisualizationHook`` that shows what the model was shown.

    The base class reads the image file again, as 8 bit: a 16-bit microscope
    image comes out black. This one takes the image that the data pipeline
    made of it. And pictures of tests are PNG files in
    ``WORK_DIR/<time>/<test_out_dir>`` that carry the image's number, because
    data sets hold files of the same name.

    Args:
        *args: As for ``DetVisualizationHook``.
        **kwargs: As for ``DetVisualizationHook``.
    """

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: dict,
                       outputs: Sequence[DetDataSample]) -> None:
        """Draw the first image of every ``interval``-th batch.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Index of the batch.
            data_batch (dict): What the data loader gave.
            outputs (Sequence[DetDataSample]): The batch's predictions.
        """
        step = runner.iter + batch_idx
        if self.draw and step % self.interval == 0:
            self._draw(data_batch, outputs, 0, 'val_img', step)

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: dict,
                        outputs: Sequence[DetDataSample]) -> None:
        """Draw all images of a batch; arguments as for validation."""
        if not self.draw:
            return
        for index, sample in enumerate(outputs):
            self._test_index += 1
            out_file = None
            if self.test_out_dir is not None:
                folder = Path(runner.work_dir, runner.timestamp,
                              self.test_out_dir)
                stem = Path(sample.img_path).stem
                out_file = str(folder / f'{self._test_index:05d}_{stem}.png')
            self._draw(data_batch, outputs, index, 'test_img',
                       self._test_index, out_file)

    def _draw(self,
              data_batch: dict,
              outputs: Sequence[DetDataSample],
              index: int,
              name: str,
              step: int,
              out_file: Optional[str] = None) -> None:
        """Draw one image of a batch to a window, a file or the backends."""
        sample = outputs[index]
        self._visualizer.add_datasample(
            Path(sample.img_path).name if self.show else name,
            shown_image(data_batch['inputs'][index],
                        sample.metainfo['ori_shape'],
                        sample.metainfo.get('img_shape')),
            data_sample=sample,
            show=self.show,
            wait_time=self.wait_time,
            pred_score_thr=self.score_thr,
            out_file=out_file,
            step=step)


def shown_image(inputs: torch.Tensor,
                shape: Sequence[int],
                img_shape: Optional[Sequence[int]] = None) -> np.ndarray:
    """Turn a packed image back into one to look at.

    Args:
        inputs (Tensor): What ``PackDetInputs`` makes of an image, BGR or
            grey, shape (C, H, W), in the range 0 to 255.
        shape (Sequence[int]): Height and width to give it.
        img_shape (Sequence[int], optional): Height and width of the part that
            is not padding. By default all of it.

    Returns:
        ndarray: RGB, uint8, shape (*shape, 3).
    """
    image = inputs.detach().cpu().numpy().transpose(1, 2, 0)
    if img_shape is not None:
        image = image[:img_shape[0], :img_shape[1]]
    image = np.clip(image, 0, 255).astype(np.uint8)
    if image.shape[2] == 1:
        image = image.repeat(3, axis=2)
    image = np.ascontiguousarray(image[..., ::-1])
    if image.shape[:2] != tuple(shape[:2]):
        image = mmcv.imresize(image, (shape[1], shape[0]))
    return image
