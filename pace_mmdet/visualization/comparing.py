"""Pictures of truth and predictions, from files of them (the paper's Fig. 6).
"""
import math
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Union

import numpy as np
from matplotlib.figure import Figure

from pace_mmdet.errors import UserError
from pace_mmdet.evaluation.coco_protocol import Matches, match
from pace_mmdet.evaluation.detections import ImageDetections, load_detections
from pace_mmdet.evaluation.ground_truth import GroundTruth, load_ground_truth
from pace_mmdet.images.intensities import Intensities, to_uint8
from pace_mmdet.images.paths import find_images
from pace_mmdet.images.stacks import read_image
from pace_mmdet.masks.codes import to_rles

from .figures import Window, comparison_figure


class Comparison:
    """Annotated cells of a data set, and what models found.

    Args:
        ann_file (str | Path): COCO annotations with masks.
        predictions (Mapping): COCO results files by the title of the model.
        img_dir (str | Path): Folder of the images.
        page (int, optional): Plane of stacks, from 0.
        channel (int, optional): Channel of files with several, from 0.
        intensities (Intensities, optional): How they become 8 bits. By
            default, colours are stretched, and grey images when they are
            shown.

    Raises:
        AnnotationError: If a file cannot be used.
    """

    def __init__(self, ann_file: Union[str, Path],
                 predictions: Mapping[str, Union[str, Path]],
                 img_dir: Union[str, Path],
                 page: Optional[int] = None,
                 channel: Optional[int] = None,
                 intensities: Optional[Intensities] = None) -> None:
        self.page, self.channel = page, channel
        self.intensities = intensities
        self.img_dir = str(img_dir)
        self.truth: GroundTruth = load_ground_truth(ann_file)
        self.found: Dict[str, Dict[int, ImageDetections]] = {}
        self._matches: Dict[str, Matches] = {}
        for title, path in predictions.items():
            detections = load_detections(path, self.truth, ['segm'])
            self.found[title] = {d.image_id: d for d in detections}
            self._matches[title] = match(self.truth, detections, 'segm')

    def ap50(self, image_id: int) -> Dict[str, float]:
        """AP50 of the masks of one image, for each model; NaN without cells.
        """
        return {
            title: matches.score([image_id])['AP50']
            for title, matches in self._matches.items()
        }

    def image_ids(self, names: Sequence[str]) -> List[int]:
        """The images of some file names.

        Raises:
            UserError: If there is no such image.
        """
        by_name: Dict[str, int] = {}
        for image_id, image in self.truth.images.items():
            by_name.setdefault(image.file_name, image_id)
        unknown = [name for name in names if name not in by_name]
        if unknown:
            raise UserError(f'{self.truth.source}: has no image '
                            f'{", ".join(unknown)}; the first of its '
                            f'{len(by_name)} is {next(iter(by_name), None)}')
        return [by_name[name] for name in names]

    def most_different(self, count: int) -> List[int]:
        """The images whose AP50 differs most between models; with one model,
        those with the lowest.
        """

        def difference(image_id: int) -> float:
            scores = list(self.ap50(image_id).values())
            if any(map(math.isnan, scores)):
                return -2.0
            return np.ptp(scores) if len(scores) > 1 else -scores[0]

        ids = sorted(self.truth.images, key=difference, reverse=True)
        return ids[:count]

    def figure(self,
               image_id: int,
               score_thr: float = 0.5,
               num_zooms: int = 4,
               columns: int = 2,
               window: Optional[Window] = None,
               with_ap50: bool = True) -> Figure:
        """Draw one image, a panel for each model.

        Args:
            image_id (int): The image.
            score_thr (float): Cells that score less are not drawn; AP50
                counts them.
            num_zooms (int): As of :func:`comparison_figure`.
            columns (int): As there.
            window (Sequence[float], optional): As there.
            with_ap50 (bool): Whether titles give each model's AP50.

        Raises:
            ImageFileError: If the image is missing or broken.
        """
        image = self.truth.images[image_id]
        path, = find_images(
            self.img_dir, [image.file_name], by_cell_type=True)
        img = read_image(path, self.page, self.channel)
        # Grey ones are stretched when they are shown.
        if img.ndim == 3 or self.intensities or img.dtype.kind == 'f':
            img = to_uint8(img, *(self.intensities or Intensities()))
        size = image.height, image.width
        masks = {}
        for title, found in self.found.items():
            dets = found[image_id]
            masks[title] = to_rles([
                counts for counts, score in zip(dets.counts, dets.scores)
                if score >= score_thr
            ], *size)
        return comparison_figure(
            img,
            to_rles(image.counts, *size),
            masks, {
                title: score
                for title, score in self.ap50(image_id).items()
                if with_ap50 and not math.isnan(score)
            },
            num_zooms=num_zooms,
            columns=columns,
            window=window)
