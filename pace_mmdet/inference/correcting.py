"""What an annotator says of images, when these are segmented."""
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Tuple, Union

import msgspec
import numpy as np

from pace_mmdet.errors import UserError
from pace_mmdet.masks.corrections import Corrections, CorrectionsFile, correct

from .cells import Cells


@dataclass
class Correcting:
    """Leaves out and keeps cells as an annotator has it.

    Attributes:
        images (dict[str, Corrections]): By their absolute paths.
        score_thr (float): Cells of which nothing is said are left out if
            they score less.
    """
    images: Dict[str, Corrections]
    score_thr: float

    def speaks_of(self, path: Path) -> bool:
        """Whether anything is said of an image."""
        return str(path.resolve()) in self.images

    def __call__(self, path: Path, cells: Cells) -> Tuple[Cells, int]:
        """The cells of an image that there are.

        Args:
            path (Path): The image.
            cells (Cells): Found with the threshold
                :data:`~pace_mmdet.masks.corrections.LOWEST_SCORE`.

        Returns:
            tuple[Cells, int]: Those, and how many of the annotator's boxes no
            cell fits.
        """
        said = self.images.get(str(path.resolve()), Corrections())
        boxes = cells.mask_boxes.astype(np.float64)
        boxes[:, 2:] -= boxes[:, :2]
        corrected = correct(boxes, said)
        return (cells[corrected.shown(cells.scores, self.score_thr)],
                corrected.without)


def read_corrections(path: Union[str, Path], score_thr: float) -> Correcting:
    """Read a file that the annotation page wrote.

    Args:
        path (str or Path): The file.
        score_thr (float): As in :class:`Correcting`.

    Raises:
        UserError: If it is missing, or none.
    """
    try:
        content = msgspec.json.decode(Path(path).read_bytes(),
                                      type=CorrectionsFile)
    except (OSError, msgspec.MsgspecError) as error:
        raise UserError(f'{path}: no file of corrections ({error}); the '
                        'annotation page writes them') from None
    return Correcting(content.images, score_thr)
