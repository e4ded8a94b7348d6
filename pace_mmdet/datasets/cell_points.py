"""The data set of boxes and labelled points."""
import logging
from functools import partial
from typing import List, Sequence

import numpy as np
from mmdet.datasets import BaseDetDataset
from mmdet.registry import DATASETS
from mmengine.fileio import exists
from mmengine.logging import print_log

from pace_mmdet.coco.points import PointCoco, check_num_points, read_point_coco
from pace_mmdet.coco.regions import complete_regions, cut_off
from pace_mmdet.coco.whole_file import check_some_left
from pace_mmdet.errors import AnnotationError
from pace_mmdet.images.paths import find_images

from .checks import (class_ids, leave_out_incomplete, require_cutting,
                     require_images)

_FILTERS = ('filter_empty_gt', 'min_size')


@DATASETS.register_module()
class CellPointDataset(BaseDetDataset):
    """Cells with a box and a few labelled points each, from a COCO file.

    Needs no mask. The annotations are kept as a few arrays per image, which
    mmengine stores in one block of memory that all workers share; the list
    of instances that transforms expect is made when an image is asked for.

    Args:
        *args: As for ``BaseDetDataset``.
        num_points (int): How many points of each cell are used: the first
            ones in the file.
        data_prefix (dict): Folder of the images, under ``data_root``.
        filter_cfg (dict, optional): ``filter_empty_gt`` leaves out images
            without cells, ``min_size`` those with a shorter side, in pixels;
            neither applies in test mode.
        **kwargs: As for ``BaseDetDataset``.

    Raises:
        ValueError: If ``num_points`` is below 1 or ``filter_cfg`` has an
            unknown key.
        AnnotationError: If anything in the annotation file is wrong, all
            faults at once, or if no image is left.
        ImageFileError: If images are missing; lists all of them.
    """
    METAINFO = dict(classes=('cell', ), palette=[(220, 20, 60)])
    # Whether images may lie in folders by cell type.
    BY_CELL_TYPE = False

    def __init__(self,
                 *args,
                 num_points: int,
                 data_prefix: dict = dict(img=''),
                 filter_cfg: dict = None,
                 **kwargs) -> None:
        self.num_points = check_num_points(num_points)
        unknown = sorted(set(filter_cfg or ()) - set(_FILTERS))
        if unknown:
            raise ValueError(f'filter_cfg has unknown keys {unknown}, '
                             f'expected only {list(_FILTERS)}')
        super().__init__(
            *args, data_prefix=data_prefix, filter_cfg=filter_cfg, **kwargs)

    def load_data_list(self) -> List[dict]:
        """Read, check and group the annotation file.

        Returns:
            list[dict]: One per image: ``img_path``, ``img_id``, ``height``,
            ``width`` and, for its n cells, ``bboxes`` (x1, y1, x2, y2)
            float32 (n, 4), ``bbox_labels`` int64 (n, ), ``ignore_flags``
            int8 (n, ), ``ann_ids`` int64 (n, ), ``point_coords`` int32
            (n, P, 2) and ``point_labels`` int8 (n, P). If it is annotated
            in part, also its regions ``complete``, whole pixels x1, y1, x2,
            y2, int64 (K, 4); cells that reach out of them are ignored.
        """
        coco = read_point_coco(self.ann_file, self.num_points)
        check_some_left(self.ann_file, len(coco.ann_ids),
                        int(coco.iscrowd.sum()), {})
        labels = self._labels(coco)
        paths = find_images(self.data_prefix['img'],
                            [image.file_name for image in coco.images],
                            partial(exists, backend_args=self.backend_args),
                            self.BY_CELL_TYPE)
        rows = np.flatnonzero(labels >= 0)
        rows = rows[np.argsort(coco.image_index[rows], kind='stable')]
        ends = np.searchsorted(coco.image_index[rows],
                               np.arange(1, len(coco.images)))
        data_list = []
        for image, path, own in zip(coco.images, paths, np.split(rows, ends)):
            regions = complete_regions(image.complete, image.height,
                                       image.width)
            ignored = coco.iscrowd[own]
            if regions is not None:
                ignored = ignored | cut_off(coco.bboxes[own], regions,
                                            image.height, image.width)
            data_list.append(
                dict(
                    {} if regions is None else dict(complete=regions),
                    img_path=path,
                    img_id=image.id,
                    seg_map_path=None,
                    height=image.height,
                    width=image.width,
                    bboxes=coco.bboxes[own],
                    bbox_labels=labels[own],
                    ignore_flags=ignored.astype(np.int8),
                    ann_ids=coco.ann_ids[own],
                    point_coords=coco.coords[own],
                    point_labels=coco.labels[own]))
        data_list = leave_out_incomplete(data_list, self.ann_file)
        if not self.test_mode:
            require_cutting(data_list, self.pipeline.transforms,
                            self.ann_file)
        return data_list

    def _labels(self, coco: PointCoco) -> np.ndarray:
        """Label of each annotation, -1 for a category that is no class."""
        classes = self.metainfo['classes']
        try:
            ids = class_ids(classes, {c.name: c.id for c in coco.categories})
        except AnnotationError as error:
            raise AnnotationError(f'{self.ann_file}: {error}') from None
        labels = np.full(len(coco.ann_ids), -1, dtype=np.int64)
        for label, category_id in enumerate(ids):
            labels[coco.category_ids == category_id] = label
        others = int((labels < 0).sum())
        if others:
            print_log(
                f'{self.ann_file}: {others} of {len(labels)} annotations are '
                f'of categories other than {tuple(classes)} and left out',
                logger='current',
                level=logging.WARNING)
        return labels

    def filter_data(self) -> List[dict]:
        """Leave out images as ``filter_cfg`` says.

        Returns:
            list[dict]: The others.
        """
        filters = {} if self.test_mode else self.filter_cfg or {}
        min_size = filters.get('min_size', 0)
        no_empty = filters.get('filter_empty_gt', False)
        kept = [
            info for info in self.data_list
            if min(info['height'], info['width']) >= min_size and (
                len(info['ann_ids']) or not no_empty)
        ]
        if len(kept) < len(self.data_list):
            print_log(
                f'{self.ann_file}: {len(self.data_list) - len(kept)} of '
                f'{len(self.data_list)} images left out by filter_cfg='
                f'{dict(filters)}',
                logger='current')
        require_images(
            len(kept), len(self.data_list), self.ann_file, filters)
        return kept

    def get_data_info(self, idx: int) -> dict:
        """One image's annotations in the form that transforms expect.

        Args:
            idx (int): Index of the image.

        Returns:
            dict: As MMDetection's data sets give it; each of ``instances``
            also has ``ann_id``, ``point_coords`` (pixel indices, int32,
            (P, 2)) and ``point_labels`` (int8, (P, )).
        """
        info = super().get_data_info(idx)
        columns = zip(
            info.pop('bboxes').tolist(),
            info.pop('bbox_labels').tolist(),
            info.pop('ignore_flags').tolist(),
            info.pop('ann_ids').tolist(), info.pop('point_coords'),
            info.pop('point_labels'))
        names = ('bbox', 'bbox_label', 'ignore_flag', 'ann_id',
                 'point_coords', 'point_labels')
        info['instances'] = [dict(zip(names, row)) for row in columns]
        info['num_points'] = self.num_points
        if self.return_classes:
            info['text'] = self.metainfo['classes']
            info['caption_prompt'] = self.caption_prompt
            info['custom_entities'] = True
        return info

    def get_cat_ids(self, idx: int) -> Sequence[int]:
        """Labels of the cells of one image.

        Args:
            idx (int): Index of the image.

        Returns:
            list[int]: One per cell.
        """
        return super().get_data_info(idx)['bbox_labels'].tolist()


@DATASETS.register_module()
class LIVECellPointDataset(CellPointDataset):
    """LIVECell, whose images lie flat or in one folder per cell type."""
    BY_CELL_TYPE = True
