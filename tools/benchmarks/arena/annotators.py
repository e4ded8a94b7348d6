"""Annotators who see a cell's outline elsewhere than it is.

The other kind of mistake, slips anywhere, is what ``masks_to_points`` makes
with ``flip_prob``.
"""
import json
from pathlib import Path
from typing import List

import numpy as np

from pace_mmdet.files import write_atomically
from pace_mmdet.points import label_points


def answer_near_outlines(points_file: Path, masks_file: Path, unsure: float,
                         seed: int) -> float:
    """Answer all questions anew as if each point were a little elsewhere.

    Points far from the outline are answered as before, those on it at random.

    Args:
        points_file (Path): Point COCO file, made from ``masks_file``. It is
            rewritten.
        masks_file (Path): COCO file with the masks.
        unsure (float): Standard deviation of where a point seems to be, in
            x and in y, in pixels.
        seed (int): Seed.

    Returns:
        float: Share of the answers that are wrong then.
    """
    content = json.loads(points_file.read_text())
    masks = {cell['id']: cell['segmentation']
             for cell in json.loads(masks_file.read_text())['annotations']}
    generator = np.random.default_rng(seed)
    wrong: List[np.ndarray] = []
    for image in content['images']:
        size = image['height'], image['width']
        cells = [cell for cell in content['annotations']
                 if cell['image_id'] == image['id']]
        if not cells:
            continue
        points = np.array([cell['point_coords'] for cell in cells])
        seen = points + generator.normal(0, unsure, points.shape)
        seen = np.clip(np.round(seen), 0, (size[1] - 1, size[0] - 1))
        labels = label_points(seen.astype(np.int64),
                              [masks[cell['id']] for cell in cells], *size)
        wrong.append(labels != [cell['point_labels'] for cell in cells])
        for cell, answers in zip(cells, labels.tolist()):
            cell['point_labels'] = answers
    write_atomically(points_file, json.dumps(content))
    return float(np.concatenate(wrong).mean())
