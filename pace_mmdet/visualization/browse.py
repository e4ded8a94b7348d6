"""Drawing what a data set and its pipeline give, to check them by eye."""
from pathlib import Path
from typing import Iterator, List, Optional, Tuple, Union

import numpy as np
from matplotlib.figure import Figure
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope
from rich.console import Console
from rich.progress import track

from pace_mmdet.datasets.seeding import seed_from
from pace_mmdet.engine.data_check import check_data
from pace_mmdet.errors import UserError
from pace_mmdet.images.saving import save_figure, save_png

from .samples import Drawable, from_data_info, from_packed, from_results
from .visualizer import PointLocalVisualizer

SPLITS = ('train', 'val', 'test')
PHASES = ('transformed', 'original', 'pipeline')
_COLUMNS, _PANEL = 3, 10.0  # of steps; inches, the long side of each


def browse(cfg: Config,
           out_dir: Union[str, Path],
           split: str = 'train',
           num: int = 10,
           phase: str = 'transformed',
           show: bool = False,
           overwrite: bool = False,
           seed: int = 0) -> List[Path]:
    """Write a PNG file for each of the first images of a data set.

    Args:
        cfg (Config): A config with data loaders.
        out_dir (str | Path): Folder of the pictures.
        split (str): Whose data loader: 'train', 'val' or 'test'.
        num (int): How many images, at least 1; all if there are fewer.
        phase (str): 'transformed' is what the whole pipeline yields,
            'original' the image as read with the data set's annotations, and
            'pipeline' a picture of each step from one to the other.
        show (bool): Whether to open a window for each as well.
        overwrite (bool): Whether to replace pictures that exist.
        seed (int): Seed of the augmentation.

    Returns:
        list[Path]: The pictures written. An image that its pipeline drops
        has none; this is said.

    Raises:
        UserError: If an argument, the config or the data does not allow it.
            Nothing has been written then.
    """
    if num < 1:
        raise UserError(f'the number of images must be at least 1, got {num}')
    if phase not in PHASES:
        raise UserError(f'phase must be one of {PHASES}, got {phase!r}')
    dataset = build_dataset(cfg, split)
    if phase != 'transformed' and not isinstance(dataset, BaseDataset):
        raise UserError(
            f'{type(dataset).__name__} around the data set of {split} has no '
            f'pipeline of its own: only the phase {PHASES[0]!r} can be drawn')
    paths = picture_paths(dataset, out_dir, num)
    existing = [path for path in paths if path.exists()]
    if existing and not overwrite:
        raise UserError(f'{len(existing)} of {len(paths)} pictures exist '
                        f'already, the first is {existing[0]}; choose another '
                        'folder with --out-dir, or --overwrite them')
    visualizer = PointLocalVisualizer('browse', show_boxes=True)
    visualizer.dataset_meta = dataset.metainfo
    console = Console(stderr=True)
    written = []
    for index, path in enumerate(track(paths, 'Drawing', console=console)):
        seed_from(seed, index)
        drawn = _draw(dataset, index, phase, visualizer, path)
        if drawn is None:
            console.print(f'{path.stem}: dropped by the pipeline')
            continue
        if show:
            visualizer.show(drawn, win_name=path.stem)
        written.append(path)
    return written


def build_dataset(cfg: Config, split: str) -> BaseDataset:
    """Build the data set of one of a config's data loaders.

    Args:
        cfg (Config): The config.
        split (str): 'train', 'val' or 'test'.

    Raises:
        UserError: If there is no such loader, its data is missing, or it is
            empty.
    """
    if split not in SPLITS:
        raise UserError(f'split must be one of {SPLITS}, got {split!r}')
    loader = cfg.get(f'{split}_dataloader')
    if not loader:
        raise UserError(f'{cfg.filename}: has no {split}_dataloader')
    check_data(
        Config({
            f'{split}_dataloader': loader,
            'data_command': cfg.get('data_command')
        }), [split])
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    dataset = DATASETS.build(loader['dataset'])
    if not len(dataset):
        raise UserError(f'{cfg.filename}: the data set of {split} has no '
                        'images left after filtering')
    return dataset


def picture_paths(dataset: BaseDataset, out_dir: Union[str, Path],
                  num: int) -> List[Path]:
    """Names of the pictures; numbered, as file names may be there twice.

    Args:
        dataset (BaseDataset): The data set, or a wrapper around it.
        out_dir (str | Path): Their folder.
        num (int): How many at most.
    """
    stems = [
        Path(dataset.get_data_info(index)['img_path']).stem
        for index in range(min(num, len(dataset)))
    ]
    return [
        Path(out_dir, f'{index:05d}_{stem}.png')
        for index, stem in enumerate(stems)
    ]


def _draw(dataset: BaseDataset, index: int, phase: str,
          visualizer: PointLocalVisualizer,
          path: Path) -> Optional[np.ndarray]:
    """Draw one image and save it; None if the pipeline drops it."""
    if phase == 'pipeline':
        steps = []
        for name, drawable in pipeline_steps(dataset, index):
            height, width = drawable.image.shape[:2]
            steps.append(
                (f'{name}  {width} x {height}', _render(visualizer, drawable)))
        if steps:
            save_figure(_step_figure(steps), path, dpi=100)
            return steps[-1][1]
        return None
    draw = original if phase == 'original' else transformed
    drawable = draw(dataset, index)
    if drawable is None:
        return None
    image = _render(visualizer, drawable)
    save_png(image, path)
    return image


def _render(visualizer: PointLocalVisualizer,
            drawable: Drawable) -> np.ndarray:
    """The drawn image, RGB, uint8, shape (H, W, 3)."""
    visualizer.add_datasample('', *drawable, draw_pred=False)
    return visualizer.get_image()


def transformed(dataset: BaseDataset, index: int) -> Optional[Drawable]:
    """What the pipeline yields; None if it drops the image.

    A data set that is indexed takes another image in place of a dropped one:
    here that would be a picture under the wrong name.
    """
    if not isinstance(dataset, BaseDataset):
        return from_packed(dataset[index])
    packed = dataset.prepare_data(index)
    if packed is None:
        return None
    return from_packed(packed, dataset.get_data_info(index))


def original(dataset: BaseDataset, index: int) -> Drawable:
    """The image as read, with the annotations that the data set holds."""
    results = dataset.get_data_info(index)
    for transform in dataset.pipeline.transforms:
        results = transform(results)
        if 'img' in results:
            return from_data_info(results['img'], dataset.get_data_info(index))
    raise UserError('the pipeline loads no image')


def pipeline_steps(dataset: BaseDataset,
                   index: int) -> Iterator[Tuple[str, Drawable]]:
    """The state after each transform, once there is an image.

    Yields:
        tuple: Number and name of the transform, and what to draw. Ends early
        if a transform drops the image.
    """
    results = dataset.get_data_info(index)
    for number, transform in enumerate(dataset.pipeline.transforms, 1):
        results = transform(results)
        name = f'{number}  {type(transform).__name__}'
        if results is None:
            return
        if 'data_samples' in results:
            yield name, from_packed(results, dataset.get_data_info(index))
        elif 'img' in results:
            yield name, from_results(results)


def _step_figure(steps: List[Tuple[str, np.ndarray]]) -> Figure:
    """The drawn steps side by side, with the names of their transforms."""
    columns = min(len(steps), _COLUMNS)
    rows = -(-len(steps) // columns)
    # The tallest image decides on the height of all rows.
    tallest = max(image.shape[0] / max(image.shape[:2]) for _, image in steps)
    figure = Figure(
        figsize=(columns * (_PANEL + 0.1), rows * (tallest * _PANEL + 0.5)))
    for i, (name, image) in enumerate(steps):
        left = i % columns / columns
        top = 1 - (i // columns *
                   (tallest * _PANEL + 0.5) + 0.4) / figure.get_figheight()
        height = tallest * _PANEL / figure.get_figheight()
        ax = figure.add_axes(
            (left, top - height, _PANEL / figure.get_figwidth(), height))
        ax.imshow(image)
        ax.set_anchor('NW')
        ax.set_axis_off()
        ax.set_title(name, loc='left', fontsize=18)
    return figure
