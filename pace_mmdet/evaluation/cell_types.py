"""Cell types, read off LIVECell's file names."""
from typing import Dict, List

from pace_mmdet.sources.livecell.files import cell_type

from .ground_truth import GroundTruth


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
