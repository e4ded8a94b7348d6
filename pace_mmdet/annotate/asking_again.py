"""Answers that the model contradicts, to be looked at again."""
from typing import TYPE_CHECKING, List

import numpy as np

from pace_mmdet.points.questions import contradicted_answers

from .queries import boxes_of_image

if TYPE_CHECKING:
    from .project import Project

MOST = 50


def answers_to_ask_again(project: 'Project', annotator: str) -> List[dict]:
    """The answers of an annotator that the model most doubts.

    One that was looked at again, kept or flipped, does not come again.

    Args:
        project (Project): With a model that has looked at its images.
        annotator (str): Only who gave an answer can change it.

    Returns:
        list[dict]: The worst first, at most 50: ``image``, ``key`` and
        ``point`` say which it is, ``probability`` what the model gives the
        point to be on the cell.
    """
    found = []
    for image in project.images.values():
        if image.problem:
            continue
        boxes = project.read(boxes_of_image, image.id, project.num_points)
        boxes = [box for box in boxes if annotator in box['answered_by']]
        if not boxes:
            continue
        project.add_points(boxes, image)
        probs = project.models.probabilities(image.id, boxes)
        labels = np.array([_labels_to_doubt(box, annotator) for box in boxes])
        for row, point in contradicted_answers(probs, labels).tolist():
            found.append(dict(
                image=image.id, key=boxes[row]['key'], point=point,
                probability=round(float(probs[row, point]), 3)))
    # What is given 1 to be the opposite of the answer comes first.
    found.sort(key=lambda item: -abs(item['probability'] - 0.5))
    return found[:MOST]


def _labels_to_doubt(box: dict, annotator: str) -> List[int]:
    return [
        label if who == annotator and how != 'again' and label is not None
        else -1 for label, who, how in zip(
            box['labels'], box['answered_by'], box['answered_how'])
    ]
