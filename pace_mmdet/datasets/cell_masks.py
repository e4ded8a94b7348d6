"""COCO data sets with masks that keep track of their annotations."""
import logging
from collections import Counter
from functools import partial
from typing import Any, List, Optional, Union

import msgspec
import numpy as np
from mmdet.datasets import CocoDataset
from mmdet.datasets.api_wrappers import COCO
from mmdet.registry import DATASETS
from mmengine.fileio import exists
from mmengine.logging import print_log
from pycocotools import mask as mask_utils

from pace_mmdet.coco.files import (Category, ImageEntry, check_tables,
                                   convert_each, read_document)
from pace_mmdet.coco.masks import MaskAnnotation, find_unusable
from pace_mmdet.coco.regions import complete_regions, cut_off
from pace_mmdet.coco.whole_file import BoxFit, check_some_left
from pace_mmdet.errors import AnnotationError, Faults
from pace_mmdet.images.paths import find_images

from .checks import (class_ids, leave_out_incomplete, require_cutting,
                     require_images)

_ORPHANS = 'image_id is none of the file\'s images'
# How many boxes are compared with their masks; a file errs alike throughout.
_FITTED = 2000
_FIELDS = MaskAnnotation.__struct_fields__


class _Values(msgspec.Struct):
    """What is read of an annotation as it stands in the file."""
    area: Optional[float] = None
    iscrowd: Union[bool, int, None] = None


class CellCOCO(COCO):
    """The COCO index for files as LIVECell and other tools write them."""

    def __init__(self, annotation_file: Optional[str] = None) -> None:
        super().__init__()
        if annotation_file is not None:
            self.dataset = read_document(annotation_file)
            faults = Faults(annotation_file)
            images = convert_each(self.dataset.get('images', []), ImageEntry,
                                  faults, what='image')
            categories = convert_each(self.dataset.get('categories', []),
                                      Category, faults, what='category')
            check_tables(images, categories, faults)
            annotations = self.dataset.get('annotations', [])
            convert_each(
                annotations.values() if isinstance(annotations, dict) else
                annotations, _Values, faults, strict=True)
            faults.raise_if_any('Correct the file.')
            self.createIndex()
            # As the base class does after its own reading.
            self.img_ann_map, self.cat_img_map = (self.imgToAnns,
                                                  self.catToImgs)

    def createIndex(self) -> None:
        """Index the file, whose annotations may also be an object of ids."""
        annotations = self.dataset.get('annotations', [])
        if isinstance(annotations, dict):
            self.dataset['annotations'] = list(annotations.values())
        super().createIndex()
        doubled = len(self.dataset.get('annotations', [])) - len(self.anns)
        if doubled:
            raise AnnotationError(f'{doubled} annotations have an id that '
                                  'another one has, too')
        self.orphans = orphans = sum(
            len(found) for image_id, found in self.imgToAnns.items()
            if image_id not in self.imgs)
        if orphans:
            print_log(
                f'{orphans} annotations belong to none of the file\'s images '
                'and are left out',
                logger='current',
                level=logging.WARNING)

    def get_cat_ids(self, cat_names=(), sup_names=(), cat_ids=()) -> List[int]:
        """As in COCO, but names give their ids in the names' order.

        In the file's order, classes listed in another one would silently
        swap their labels.

        Raises:
            AnnotationError: If a name is not in the file.
        """
        if not cat_names:
            return super().get_cat_ids(cat_names, sup_names, cat_ids)
        return class_ids(
            cat_names, {cat['name']: cat['id']
                        for cat in self.cats.values()})


@DATASETS.register_module()
class CellMaskDataset(CocoDataset):
    """Cells with masks, from a COCO file.

    ``CocoDataset`` with what it keeps to itself: each instance has its
    ``ann_id`` and ``iscrowd``, and what is left out is counted and logged.
    Image files are found in both of LIVECell's folder layouts.

    Args:
        *args: As for ``CocoDataset``.
        data_prefix (dict): Folder of the images, under ``data_root``.
        **kwargs: As for ``CocoDataset``.

    Raises:
        AnnotationError: If the annotation file is missing, broken, lacks a
            class, holds no mask at all, or if no image is left.
        ImageFileError: If images are missing; lists all of them.
    """
    METAINFO = dict(classes=('cell', ), palette=[(220, 20, 60)])
    COCOAPI = CellCOCO

    def __init__(self, *args, data_prefix: dict = dict(img=''),
                 **kwargs) -> None:
        self.dropped: Counter = Counter()
        super().__init__(*args, data_prefix=data_prefix, **kwargs)

    def load_data_list(self) -> List[dict]:
        """Load the annotation file.

        Returns:
            list[dict]: One per image, as ``CocoDataset`` gives them.
        """
        self.dropped.clear()
        self._orphans, self._fit = 0, BoxFit()
        try:
            data_list = super().load_data_list()
        except FileNotFoundError:
            raise AnnotationError(
                f'{self.ann_file}: no such annotation file') from None
        except AnnotationError as error:
            text = str(error)
            raise AnnotationError(
                text if text.startswith(str(self.ann_file)) else
                f'{self.ann_file}: {text}') from None
        kept = sum(len(info['instances']) for info in data_list)
        if self.dropped['no mask'] and not kept:
            raise AnnotationError(
                f'{self.ann_file}: none of its annotations has a mask. For a '
                'file with points use CellPointDataset.')
        crowds = sum(instance['iscrowd'] for info in data_list
                     for instance in info['instances'])
        orphans = {_ORPHANS: self._orphans} if self._orphans else {}
        check_some_left(self.ann_file, kept, crowds,
                        {**self.dropped, **orphans})
        for line in self._fit.lines():
            print_log(f'{self.ann_file}: {line}', logger='current',
                      level=logging.WARNING)
        if self.dropped:
            print_log(
                f'{self.ann_file}: {kept} annotations kept, '
                f'{self.dropped.total()} left out: ' + ', '.join(
                    f'{count} {reason}'
                    for reason, count in self.dropped.most_common()),
                logger='current',
                level=logging.WARNING)
        folder = self.data_prefix['img']
        names = [info.pop('file_name') for info in data_list]
        paths = find_images(
            folder, names, partial(exists, backend_args=self.backend_args),
            by_cell_type=True)
        for info, path in zip(data_list, paths):
            info['img_path'] = path
        data_list = leave_out_incomplete(data_list, self.ann_file)
        if not self.test_mode:
            require_cutting(data_list, self.pipeline.transforms,
                            self.ann_file)
        return data_list

    def parse_data_info(self, raw_data_info: dict) -> dict:
        """Parse one image's annotations, leaving out what cannot be used.

        Args:
            raw_data_info (dict): ``raw_img_info`` and ``raw_ann_info`` as
                they are in the file.

        Returns:
            dict: As ``CocoDataset`` gives it, with ``ann_id`` and
            ``iscrowd`` in each instance; if the image is annotated in part,
            with its regions ``complete`` (whole pixels x1, y1, x2, y2), and
            with ``cut_off`` in instances that reach out of them.
        """
        # MMDetection drops its index once all is parsed.
        self._orphans = self.coco.orphans
        image = raw_data_info['raw_img_info']
        annotations = raw_data_info['raw_ann_info']
        counts, reasons = find_unusable(
            [MaskAnnotation(**{key: ann.get(key) for key in _FIELDS})
             for ann in annotations],
            image['height'], image['width'], rasterize=False)
        if self._fit.seen < _FITTED:
            sound = [row for row in range(len(annotations))
                     if row not in reasons]
            self._fit.add([annotations[row]['bbox'] for row in sound], [
                _box_of(annotations[row]['segmentation'], counts[row], image)
                for row in sound])
        usable = []
        for row, ann in enumerate(annotations):
            reason = reasons.get(row)
            if not reason and ann['category_id'] not in self.cat2label:
                reason = 'of another category'
            if reason:
                self.dropped[reason] += 1
            else:
                # CocoDataset demands an area only to see that it is not 0.
                usable.append(ann if ann.get('area') is not None else dict(
                    ann, area=ann['bbox'][2] * ann['bbox'][3]))
        info = super().parse_data_info(
            dict(raw_img_info=image, raw_ann_info=usable))
        assert len(info['instances']) == len(usable)
        for instance, ann in zip(info['instances'], usable):
            instance['ann_id'] = ann['id']
            instance['iscrowd'] = int(bool(ann.get('iscrowd', 0)))
        info['file_name'] = image['file_name']
        size = image['height'], image['width']
        regions = complete_regions(image.get('complete', True), *size)
        if regions is not None:
            info['complete'] = regions
            cells = info['instances']
            cut = cut_off([cell['bbox'] for cell in cells], regions, *size)
            for cell, is_cut in zip(cells, cut.tolist()):
                cell['cut_off'] = is_cut
                cell['ignore_flag'] = int(cell['ignore_flag'] or is_cut)
        return info

    def filter_data(self) -> List[dict]:
        """Leave out images as ``filter_cfg`` says.

        Returns:
            list[dict]: The others.
        """
        kept = super().filter_data()
        require_images(
            len(kept), len(self.data_list), self.ann_file, self.filter_cfg)
        return kept


def _box_of(segmentation: Any, counts: bytes, image: dict) -> np.ndarray:
    """The box (x, y, width, height) around a mask."""
    if counts:
        return mask_utils.toBbox(
            dict(size=[image['height'], image['width']], counts=counts))
    points = np.concatenate([np.reshape(part, (-1, 2)) for part in segmentation
                             if len(part) >= 6])
    low, high = points.min(axis=0), points.max(axis=0)
    return np.r_[low, high - low]
