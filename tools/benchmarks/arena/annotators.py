"""Annotators other than the one who answers random points rightly.

Slips anywhere are what ``masks_to_points`` makes with ``flip_prob``. Here are
one who sees a cell's outline elsewhere than it is, and one who is asked what
a model is least certain of.
"""
import json
import tempfile
from pathlib import Path
from typing import List

import numpy as np

from pace_mmdet.annotate.asking import uncertain_pixels
from pace_mmdet.annotate.proposals import read_opinion
from pace_mmdet.commands.propose import LOWEST_SCORE
from pace_mmdet.files import write_atomically
from pace_mmdet.inference.proposing import propose
from pace_mmdet.inference.segmenter import load_segmenter
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


def ask_what_is_uncertain(points_file: Path, masks_file: Path, images: Path,
                          checkpoint: Path, random: int,
                          chosen: int) -> float:
    """Choose some points of each cell as the annotation page does.

    Args:
        points_file (Path): Point COCO file, made from ``masks_file``. It is
            rewritten: the first ``random`` points of each cell stay, and
            after them come those that the model is least certain of; where
            it knows no cell, the random ones stay.
        masks_file (Path): COCO file with the masks, which answer.
        images (Path): Folder of the images.
        checkpoint (Path): The model, which learned from the first points.
        random (int): Points of each cell that stay.
        chosen (int): Points that are chosen.

    Returns:
        float: Share of the cells whose points were chosen.
    """
    content = json.loads(points_file.read_text())
    masks = {cell['id']: cell['segmentation']
             for cell in json.loads(masks_file.read_text())['annotations']}
    segmenter = load_segmenter(checkpoint, score_thr=LOWEST_SCORE,
                               device='cpu')
    known = 0
    for image in content['images']:
        cells = [cell for cell in content['annotations']
                 if cell['image_id'] == image['id']]
        with tempfile.TemporaryDirectory() as folder:
            propose(segmenter, images / image['file_name'], Path(folder), '1')
            opinion = read_opinion(Path(folder), 1)
        for cell in cells if opinion else ():
            points = cell['point_coords']
            found = uncertain_pixels(opinion, cell['bbox'], points[:random],
                                     chosen)
            known += bool(found)
            points[random:random + len(found)] = found
        labels = label_points(
            np.array([cell['point_coords'] for cell in cells]),
            [masks[cell['id']] for cell in cells], image['height'],
            image['width']) if cells else np.empty((0, 0))
        for cell, answers in zip(cells, labels.tolist()):
            cell['point_labels'] = answers
    write_atomically(points_file, json.dumps(content))
    return known / len(content['annotations'])
