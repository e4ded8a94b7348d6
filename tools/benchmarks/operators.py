"""NMS, RoIAlign and deformable convolution beside MMCV's compiled ones.

--compiled names the interpreter of a second environment, where MMCV was built
with its operators; results are checked to be equal. Without it ours are
measured alone. Each function runs in a process of its own, with one thread.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Callable, List, NamedTuple, Tuple

import torch
from torch import Tensor

from pace_mmdet.testing.benchmarking import (OURS, Aim, Comparison, Cost,
                                             add_json_option, compare, publish)

ROOT = Path(__file__).resolve().parents[2]
COMPILED = 'compiled MMCV'
# Around so many places boxes lie; None: each at one of its own.
PLACES = {'spread': None, 'at 300 places': 300, 'at 30 places': 30}
# The lower, the fewer boxes are kept, and the less a plain loop has to do.
IOU_THRESHOLD = 0.5


class Case(NamedTuple):
    """One operator on one kind of input.

    Attributes:
        title (str): What is done, for readers.
        ours (Callable): Gives tensors to compare.
        theirs (Callable): The same by MMCV.
        aim (float): How many times our time MMCV's should be.
    """
    title: str
    ours: Callable[[], Tuple[Tensor, ...]]
    theirs: Callable[[], Tuple[Tensor, ...]]
    aim: float


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--compiled', metavar='PYTHON', type=Path)
    parser.add_argument(
        '--boxes', type=int, nargs='+', default=[1000, 12000])
    parser.add_argument('--rois', type=int, default=1000)
    parser.add_argument(
        '--height', type=int, default=520, help='of two images')
    parser.add_argument('--width', type=int, default=704)
    parser.add_argument('--runs', type=int, default=5)
    add_json_option(parser)
    # What a process started by this one does.
    parser.add_argument(
        '--one', nargs=2, metavar=('SIDE', 'FOLDER'), help=argparse.SUPPRESS)
    return parser.parse_args()


def cases(args: argparse.Namespace) -> List[Case]:
    """All that is compared; inputs are the same in every process."""
    found = []
    for count in args.boxes:
        # A thousandth of a second says little.
        times = max(20000 // count, 1)
        for what, places in PLACES.items():
            inputs = boxes(count, places or count)
            found.append(Case(
                f'NMS of {count:,} boxes, {what}, IoU {IOU_THRESHOLD}, '
                f'{times} times',
                partial(our_nms, *inputs, times),
                partial(mmcv_nms, *inputs, times), 1))
    inputs = rois(args.rois, args.height, args.width)
    found.append(Case(
        f'RoIAlign of {args.rois:,} RoIs, 256 channels, forward and backward',
        partial(our_roi_align, *inputs), partial(mmcv_roi_align, *inputs), 1))
    # The second and third stage of ResNeSt-200.
    for channels, stride in ((128, 8), (256, 16)):
        h, w = -(-args.height // stride), -(-args.width // stride)
        inputs = deformable(channels, h, w)
        found.append(Case(
            f'Deformable convolution, 2 x {channels} x {h} x {w}, forward '
            'and backward',
            partial(our_deform_conv, *inputs),
            partial(mmcv_deform_conv, *inputs), 3))
    return found


def boxes(count: int, places: int) -> Tuple[Tensor, Tensor]:
    """Boxes of 17 to 46 pixels on 2048 x 2048, and scores without ties."""
    generator = torch.Generator().manual_seed(count + places)
    rand, randn = (partial(f, generator=generator)
                   for f in (torch.rand, torch.randn))
    pick = (torch.randint(places, (count, ), generator=generator)
            if places < count else torch.arange(count))
    sizes = (20 + rand(places, 2) * 20)[pick]
    centres = (rand(places, 2) * 2048)[pick] + randn(count, 2) * sizes * 0.15
    sizes = sizes * torch.exp(randn(count, 2) * 0.15)
    scores = torch.randperm(count, generator=generator) / count
    return torch.cat([centres - sizes / 2, centres + sizes / 2], 1), scores


def rois(count: int, height: int, width: int) -> Tuple[Tensor, Tensor, Tensor]:
    """Features of stride 4, cells' RoIs of two images, output gradients."""
    generator = torch.Generator().manual_seed(0)
    rand, randn = (partial(f, generator=generator)
                   for f in (torch.rand, torch.randn))
    sizes = 16 + rand(count, 2) * 80
    centres = rand(count, 2) * torch.tensor([width, height])
    images = torch.randint(2, (count, 1), generator=generator)
    return (randn(2, 256, height // 4, width // 4).requires_grad_(),
            torch.cat([images, centres - sizes / 2, centres + sizes / 2], 1),
            randn(count, 256, 7, 7))


def deformable(channels: int, height: int,
               width: int) -> Tuple[List[Tensor], Tensor]:
    """Input, offsets, factors and weights, and output gradients."""
    generator = torch.Generator().manual_seed(channels)
    rand, randn = (partial(f, generator=generator)
                   for f in (torch.rand, torch.randn))
    inputs = [
        randn(2, channels, height, width),
        randn(2, 36, height, width) * 2,
        rand(2, 18, height, width),
        randn(channels, channels // 2, 3, 3) / channels
    ]
    return ([tensor.requires_grad_() for tensor in inputs],
            randn(2, channels, height, width))


def our_nms(boxes: Tensor, scores: Tensor, times: int) -> Tuple[Tensor]:
    from pace_mmdet.ops.nms import nms
    return [(nms(boxes, scores, IOU_THRESHOLD), ) for _ in range(times)][0]


def mmcv_nms(boxes: Tensor, scores: Tensor, times: int) -> Tuple[Tensor]:
    from mmcv._ext import nms
    return [(nms(boxes, scores, iou_threshold=IOU_THRESHOLD, offset=0), )
            for _ in range(times)][0]


def our_roi_align(x: Tensor, rois: Tensor, grad: Tensor) -> Tuple:
    from pace_mmdet.ops.roi_align import roi_align
    out = roi_align(x, rois, 7, 0.25)
    return out.detach(), *torch.autograd.grad(out, x, grad)


def mmcv_roi_align(x: Tensor, rois: Tensor, grad: Tensor) -> Tuple:
    from mmcv.ops.roi_align import RoIAlignFunction
    out = RoIAlignFunction.apply(x, rois, 7, 0.25, 0, 'avg', True)
    return out.detach(), *torch.autograd.grad(out, x, grad)


def our_deform_conv(inputs: List[Tensor], grad: Tensor) -> Tuple:
    from pace_mmdet.ops.deform_conv import modulated_deform_conv2d
    out = modulated_deform_conv2d(*inputs, None, 1, 1, 1, 2, 2)
    return out.detach(), *torch.autograd.grad(out, inputs, grad)


def mmcv_deform_conv(inputs: List[Tensor], grad: Tensor) -> Tuple:
    from mmcv.ops import modulated_deform_conv2d
    out = modulated_deform_conv2d(*inputs, None, 1, 1, 1, 2, 2)
    return out.detach(), *torch.autograd.grad(out, inputs, grad)


def measure(args: argparse.Namespace) -> None:
    """Time one side's functions, and keep what they gave."""
    side, folder = args.one
    if side == COMPILED:
        import mmcv._ext
        if mmcv._ext.__file__.endswith('.py'):
            raise SystemExit(f'{sys.executable} has no compiled MMCV')
    costs, results = [], []
    for case in cases(args):
        function = case.ours if side == OURS else case.theirs
        costs += compare({side: function}, args.runs).values()
        results.append(function())
    Path(folder, f'{side}.json').write_text(json.dumps(costs))
    torch.save(results, Path(folder, f'{side}.pt'))


def measured(python: Path, side: str, folder: str) -> Tuple[List, List]:
    """Run :func:`measure` by an interpreter; gives costs and results."""
    done = subprocess.run(
        [python, __file__, *sys.argv[1:], '--one', side, folder],
        env=dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1'))
    if done.returncode:
        raise SystemExit(f'{side} failed by {python}, see above')
    costs = json.loads(Path(folder, f'{side}.json').read_text())
    return ([Cost(*cost) for cost in costs],
            torch.load(Path(folder, f'{side}.pt')))


def remarks(results: List[Tuple[Tensor, ...]]) -> List[str]:
    """How alike the results of a case are.

    Raises:
        AssertionError: If they are not.
    """
    if len(results) < 2:
        return []
    for ours, theirs in zip(*results):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    if not results[0][0].is_floating_point():
        return [f'the same {len(results[0][0]):,} boxes kept']
    difference = max(float((a - b).abs().max()) for a, b in zip(*results))
    return [f'largest difference of a result or gradient: {difference:.0e}']


def run(args: argparse.Namespace) -> List[Comparison]:
    """Measure all cases, on both sides if there are two."""
    sides = {OURS: Path(sys.executable)}
    if args.compiled is not None:
        sides[COMPILED] = args.compiled
    with tempfile.TemporaryDirectory() as folder:
        found = {side: measured(python, side, folder)
                 for side, python in sides.items()}
    return [
        Comparison(
            case.title, {side: costs[number]
                         for side, (costs, _) in found.items()},
            {COMPILED: Aim(case.aim)},
            remarks([results[number] for _, results in found.values()]))
        for number, case in enumerate(cases(args))
    ]


def main() -> None:
    args = parse_args()
    if args.one:
        measure(args)
        return
    publish(run(args), args.json)


if __name__ == '__main__':
    main()
