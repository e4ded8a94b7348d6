"""Seeded synthetic cells for tests, benchmarks and examples."""
import contextlib
import copy
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
import tifffile
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import PolygonMasks
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from skimage.draw import polygon2mask

from pace_mmdet.points import draw_points, label_points
from pace_mmdet.structures import InstancePoints

_CORNERS = 24


@dataclass(frozen=True)
class SyntheticCells:
    """Bright, roundish cells on a dark, noisy background.

    Args:
        image (ndarray): uint8, shape (H, W).
        polygons (list[list[float]]): Outline of each of the N cells as
            x0, y0, x1, y1, ... in image pixels.
        bboxes (ndarray): Boxes (x1, y1, x2, y2) around the outlines in image
            pixels, float64, shape (N, 4).
    """
    image: np.ndarray
    polygons: List[List[float]]
    bboxes: np.ndarray


def synthetic_cells(num_cells: int,
                    height: int,
                    width: int,
                    seed: int = 0) -> SyntheticCells:
    """Draw cells on a jittered grid, so that they hardly overlap.

    Args:
        num_cells (int): Number of cells, may be 0.
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.
        seed (int): Seed; the result is a pure function of the arguments.
    """
    rng = np.random.default_rng(seed)
    image = rng.normal(60, 8, (height, width))
    if num_cells == 0:
        return SyntheticCells(image.clip(0, 255).astype(np.uint8), [],
                              np.zeros((0, 4)))
    columns = max(int(np.ceil(np.sqrt(num_cells * width / height))), 1)
    rows = -(-num_cells // columns)
    pitch = np.array([width / columns, height / rows])
    slots = rng.permutation(rows * columns)[:num_cells]
    grid = np.stack([slots % columns, slots // columns], axis=1)
    centres = (grid + 0.5 + rng.uniform(-0.1, 0.1, grid.shape)) * pitch
    radii = rng.uniform(0.28, 0.42, grid.shape) * pitch

    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    bumps = 1 + rng.uniform(-0.12, 0.12, (num_cells, _CORNERS, 1))
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    outlines = centres[:, None] + radii[:, None] * circle * bumps
    outlines = outlines.clip(0, (width, height)).round(2)
    for outline in outlines:
        _brighten(image, outline, rng.uniform(60, 110))
    return SyntheticCells(
        image.clip(0, 255).astype(np.uint8), outlines.reshape(num_cells,
                                                              -1).tolist(),
        np.concatenate([outlines.min(1), outlines.max(1)], axis=1))


def _brighten(image: np.ndarray, outline: np.ndarray, amount: float) -> None:
    """Add ``amount`` to the pixels inside an outline (x, y), in place."""
    left, top = np.floor(outline.min(0)).astype(int)
    right, bottom = np.ceil(outline.max(0)).astype(int)
    inside = polygon2mask((bottom - top, right - left),
                          outline[:, ::-1] - (top + 0.5, left + 0.5))
    image[top:bottom, left:right][inside] += amount


def synthetic_coco(num_images: int,
                   num_cells: int,
                   height: int,
                   width: int,
                   seed: int = 0,
                   stem: str = 'A172_Phase_A7_1',
                   rle: bool = False) -> Tuple[List[tuple], dict]:
    """A mask data set in COCO's form.

    Args:
        num_images (int): Number of images.
        num_cells (int): Cells per image.
        height (int): Height of the images in pixels.
        width (int): Width of the images in pixels.
        seed (int): Seed.
        stem (str): Start of the file names; LIVECell's carry the cell type.
        rle (bool): Masks as run-length codes instead of polygons.

    Returns:
        tuple: A list of (file name, uint8 image (H, W)), and the annotations
        as a dict.
    """
    images, infos, annotations = [], [], []
    for index in range(num_images):
        cells = synthetic_cells(num_cells, height, width, seed + index)
        name = f'{stem}_{index:02d}.tif'
        images.append((name, cells.image))
        infos.append(
            dict(id=index + 1, file_name=name, height=height, width=width))
        for polygon, (x1, y1, x2, y2) in zip(cells.polygons, cells.bboxes):
            code = mask_utils.frPyObjects([polygon], height, width)[0]
            area = int(mask_utils.area(code))
            code['counts'] = code['counts'].decode('ascii')
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=index + 1,
                    category_id=1,
                    bbox=[float(v) for v in (x1, y1, x2 - x1, y2 - y1)],
                    area=area,
                    iscrowd=0,
                    segmentation=code if rle else [polygon]))
    return images, dict(
        info=dict(description='synthetic cells'),
        images=infos,
        annotations=annotations,
        categories=[dict(id=1, name='cell')])


def write_synthetic_coco(root, *args, **kwargs) -> Path:
    """Write what :func:`synthetic_coco` makes of the other arguments.

    Args:
        root (str | Path): Folder; gets ``images/*.tif``, 8 bit grey, and
            ``annotations.json``.

    Returns:
        Path: The annotation file.
    """
    root = Path(root)
    (root / 'images').mkdir(parents=True, exist_ok=True)
    images, coco = synthetic_coco(*args, **kwargs)
    for name, image in images:
        tifffile.imwrite(root / 'images' / name, image)
    path = root / 'annotations.json'
    path.write_text(json.dumps(coco), encoding='utf-8')
    return path


def synthetic_sample(num_cells: int,
                     height: int = 96,
                     width: int = 128,
                     seed: int = 0,
                     num_points: int = 4
                     ) -> Tuple[torch.Tensor, DetDataSample]:
    """An image with its annotations, as a training pipeline packs them.

    Args:
        num_cells (int): Number of cells, may be 0.
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.
        seed (int): Seed of the cells.
        num_points (int): Labelled points per cell; 0 for full masks instead.

    Returns:
        tuple: The image, uint8, shape (3, H, W), and the data sample.
    """
    cells = synthetic_cells(num_cells, height, width, seed)
    polygons = [[polygon] for polygon in cells.polygons]
    if num_points:
        pixels = draw_points(cells.bboxes, range(num_cells), num_points,
                             height, width)
        labels = label_points(pixels, polygons, height, width)
        masks = InstancePoints(pixels + 0.5, labels, height, width)
    else:
        masks = PolygonMasks(
            [[np.array(part) for part in parts] for parts in polygons],
            height, width).to_bitmap()
        # As LoadAnnotations gives them.
        masks.masks = masks.masks.astype(np.uint8)
    sample = DetDataSample(
        metainfo=dict(
            img_shape=(height, width),
            ori_shape=(height, width),
            scale_factor=(1.0, 1.0)))
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor(cells.bboxes, dtype=torch.float32).reshape(-1, 4),
        labels=torch.zeros(num_cells, dtype=torch.long),
        masks=masks)
    sample.ignored_instances = InstanceData(
        bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long))
    return torch.from_numpy(cells.image)[None].repeat(3, 1, 1), sample


def synthetic_results(coco: dict,
                      seed: int = 0,
                      max_per_cell: int = 2) -> List[dict]:
    """Detections of the cells of a mask data set, more or less good ones.

    Args:
        coco (dict): As :func:`synthetic_coco` gives it, with polygons.
        seed (int): Seed.
        max_per_cell (int): Each cell is found from 0 to so many times.

    Returns:
        list[dict]: COCO results with ``bbox`` and ``segmentation`` (RLE).
    """
    sizes = {i['id']: (i['height'], i['width']) for i in coco['images']}
    rng = np.random.default_rng(seed)
    results = []
    for ann in coco['annotations']:
        outline = np.array(ann['segmentation'][0]).reshape(-1, 2)
        for _ in range(rng.integers(0, max_per_cell + 1)):
            centre = outline.mean(0)
            found = (outline - centre) * rng.uniform(0.8, 1.2) + centre
            found += rng.normal(0, 1, 2)
            rle = mask_utils.frPyObjects([found.ravel().tolist()],
                                         *sizes[ann['image_id']])[0]
            low, high = found.min(0), found.max(0)
            results.append(
                dict(
                    image_id=ann['image_id'],
                    category_id=1,
                    bbox=[*low.tolist(), *(high - low).tolist()],
                    score=float(rng.uniform()),
                    segmentation=dict(
                        size=rle['size'],
                        counts=rle['counts'].decode('ascii'))))
    return results


def pycocotools_scores(coco: dict, results: List[dict],
                       iou_type: str) -> Dict[str, float]:
    """LIVECell's protocol spelt out with pycocotools, the slow truth.

    Args:
        coco (dict): Annotations, as :func:`synthetic_coco` gives them.
        results (list[dict]): COCO results.
        iou_type (str): 'bbox' or 'segm'.

    Returns:
        dict[str, float]: AP and so on, read at 2,000 detections an image;
        NaN where there is none.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        coco_gt = COCO()
        coco_gt.dataset = copy.deepcopy(coco)
        coco_gt.createIndex()
        results = copy.deepcopy(results)
        if iou_type == 'segm':
            for result in results:
                result.pop('bbox', None)
        coco_dt = coco_gt.loadRes(results)
        evaluator = COCOeval(coco_gt, coco_dt, iou_type)
        params = evaluator.params
        # LIVECell's one category has id 1, so that this is its catIds=[1].
        params.catIds = [category['id'] for category in coco['categories']]
        params.useCats = 0
        params.maxDets = [100, 500, 2000]
        params.areaRng = [[0, 1e10], [0, 324], [324, 961], [961, 1e10]]
        params.areaRngLbl = ['all', 'small', 'medium', 'large']
        evaluator.evaluate()
        evaluator.accumulate()
    precision = evaluator.eval['precision'][:, :, 0, :, 2]
    recall = evaluator.eval['recall'][:, 0, 0, 2]

    def mean(values):
        values = values[values > -1]
        return values.mean() if values.size else np.nan

    return dict(
        AP=mean(precision[:, :, 0]),
        AP50=mean(precision[0, :, 0]),
        AP75=mean(precision[5, :, 0]),
        APs=mean(precision[:, :, 1]),
        APm=mean(precision[:, :, 2]),
        APl=mean(precision[:, :, 3]),
        AFNR=1 - mean(recall))
