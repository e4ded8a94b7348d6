"""Drawing predictions during validation and testing."""
from pathlib import Path
from typing import Optional, Sequence

from mmdet.engine.hooks import DetVisualizationHook
from mmdet.registry import HOOKS
from mmdet.structures import DetDataSample
from mmengine.runner import Runner

from .samples import shown_image


@HOOKS.register_module()
class CellVisualizationHook(DetVisualizationHook):
    """``DetVisualizationHook`` that shows what the model was shown.

    The base class reads the image file again, as 8 bit: a 16-bit microscope
    image comes out black. This one takes the image that the data pipeline
    made of it. The truth is drawn beside the prediction where the pipeline
    loads annotations. And pictures of tests are PNG files in
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
                        sample.metainfo.get('img_shape'),
                        sample.metainfo['ori_shape']),
            data_sample=sample,
            draw_gt='bboxes' in sample.get('gt_instances', ()),
            show=self.show,
            wait_time=self.wait_time,
            pred_score_thr=self.score_thr,
            out_file=out_file,
            step=step)
