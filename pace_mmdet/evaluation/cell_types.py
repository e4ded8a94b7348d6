"""Cell types, read off LIVECell's file names."""
import re
from pathlib import PurePosixPath
from typing import Dict, List, Optional

from .ground_truth import GroundTruth

# A172_Phase_C7_1_02d16h00m_2.tif (LIVECell repository, README).
_NAME = re.compile(r'([A-Za-z0-9]+)_Phase_')


def cell_type(file_name: str) -> Optional[str]:
    """The cell type that a LIVECell file name starts with, if it does."""
    found = _NAME.match(PurePosixPath(file_name).name)
    return found.group(1) if found else None


def images_by_cell_type(truth: GroundTruth,
                        image_ids: List[int]) -> Dict[str, List[int]]:
    """Group images by cell type, sorted by name without regard to case.

    Args:
        truth (GroundTruth): Gives the file names.
        image_ids (List[int]): The images.

    Returns:
        Dict[str, List[int]]: Image ids per cell type; images whose name
        carries none are in no group.
    """
    groups: Dict[str, List[int]] = {}
    for image_id in image_ids:
        name = cell_type(truth.images[image_id].file_name)
        if name is not None:
            groups.setdefault(name, []).append(image_id)
    return dict(sorted(groups.items(), key=lambda item: item[0].lower()))
