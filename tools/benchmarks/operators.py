"""NMS, RoIAlign and deformable convolution beside MMCV's compiled ones.

--compiled names the interpreter of a second environment, where MMCV was built
with its operators; results are checked to be equal. torchvision's are measured
too, where it works for the device. Each function runs in a process of its own,
on a CPU with one thread.
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

from pace_mmdet.ops.kernels import VARIABLE, torchvision_works
from pace_mmdet.testing.benchmarking import (OURS, Aim, Comparison, Cost,
                                             add_json_option, compare, publish)

ROOT = Path(__file__).resolve().parents[2]
COMPILED, TORCHVISION = 'compiled MMCV', 'torchvision'
# Around so many places boxes lie; None: each at one of its own.
PLACES = {'spread': None, 'at 300 places': 300, 'at 30 places': 30}
# The lower, the fewer boxes are kept, and the less a plain loop has to do.
IOU_THRESHOLD = 0.5


class Case(NamedTuple):
    """One operator on one kind of input.

    Attributes:
        title (str): What is done, for readers.
        run (Callable): Takes one of the sides and gives tensors to compare.
        aim (float): How many times our time a compiled MMCV's should be, on
            a CPU.
    """
    title: str
    run: Callable[[str], Tuple[Tensor, ...]]
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
    parser.add_argument('--device', default='cpu', choices=('cpu', 'cuda'))
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
        often = f', {times} times' if times > 1 else ''
        for what, places in PLACES.items():
            inputs = boxes(count, places or count)
            found.append(Case(
                f'NMS of {count:,} boxes, {what}, IoU {IOU_THRESHOLD}{often}',
                partial(run_nms, *on(args.device, inputs), times), 1))
    inputs = rois(args.rois, args.height, args.width)
    found.append(Case(
        f'RoIAlign of {args.rois:,} RoIs, 256 channels, forward and backward',
        partial(run_roi_align, *on(args.device, inputs)), 1))
    # The second and third stage of ResNeSt-200.
    for channels, stride in ((128, 8), (256, 16)):
        h, w = -(-args.height // stride), -(-args.width // stride)
        inputs = deformable(channels, h, w)
        found.append(Case(
            f'Deformable convolution, 2 x {channels} x {h} x {w}, forward '
            'and backward',
            partial(run_deform_conv, *on(args.device, inputs)), 3))
    return found


def on(device: str, tensors: Tuple[Tensor, ...]) -> List[Tensor]:
    """The tensors there; those of floats may have gradients."""
    return [tensor.to(device).requires_grad_() for tensor in tensors]


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
    return (randn(2, 256, height // 4, width // 4),
            torch.cat([images, centres - sizes / 2, centres + sizes / 2], 1),
            randn(count, 256, 7, 7))


def deformable(channels: int, height: int, width: int) -> Tuple[Tensor, ...]:
    """Output gradients; input, offsets, factors and weights."""
    generator = torch.Generator().manual_seed(channels)
    rand, randn = (partial(f, generator=generator)
                   for f in (torch.rand, torch.randn))
    return (randn(2, channels, height, width),
            randn(2, channels, height, width),
            randn(2, 36, height, width) * 2,
            rand(2, 18, height, width),
            randn(channels, channels // 2, 3, 3) / channels)


def run_nms(boxes: Tensor, scores: Tensor, times: int,
            side: str) -> Tuple[Tensor, ...]:
    boxes, scores = boxes.detach(), scores.detach()
    if side == COMPILED:
        from mmcv._ext import nms as theirs
        function = partial(theirs, iou_threshold=IOU_THRESHOLD, offset=0)
    else:
        from pace_mmdet.ops import nms
        function = partial(
            nms._torchvision if side == TORCHVISION else nms.nms,
            iou_threshold=IOU_THRESHOLD)
    for _ in range(times):
        kept = function(boxes, scores)
    return (kept, )


def run_roi_align(x: Tensor, rois: Tensor, grad: Tensor,
                  side: str) -> Tuple[Tensor, ...]:
    rois = rois.detach()
    if side == COMPILED:
        from mmcv.ops.roi_align import RoIAlignFunction
        out = RoIAlignFunction.apply(x, rois, 7, 0.25, 0, 'avg', True)
    else:
        from pace_mmdet.ops import roi_align
        function = (roi_align._torchvision if side == TORCHVISION
                    else roi_align.roi_align)
        out = function(x, rois, (7, 7), 0.25, 0, True)
    return out.detach(), *torch.autograd.grad(out, x, grad.detach())


def run_deform_conv(grad: Tensor, x: Tensor, offset: Tensor, mask: Tensor,
                    weight: Tensor, side: str) -> Tuple[Tensor, ...]:
    inputs = (x, offset, mask, weight)
    if side == COMPILED:
        from mmcv.ops import modulated_deform_conv2d
        out = modulated_deform_conv2d(*inputs, None, 1, 1, 1, 2, 2)
    elif side == TORCHVISION:
        from pace_mmdet.ops.deform_conv import _torchvision
        out = _torchvision(*inputs, (1, 1), (1, 1), (1, 1), 2, 2)
    else:
        from pace_mmdet.ops.deform_conv import modulated_deform_conv2d
        out = modulated_deform_conv2d(*inputs, None, 1, 1, 1, 2, 2)
    return out.detach(), *torch.autograd.grad(out, inputs, grad.detach())


def measure(args: argparse.Namespace) -> None:
    """Time one side's functions, and keep what they gave."""
    side, folder = args.one
    if side == COMPILED:
        import mmcv._ext
        if mmcv._ext.__file__.endswith('.py'):
            raise SystemExit(f'{sys.executable} has no compiled MMCV')
    if side == TORCHVISION:
        torchvision_works(args.device.upper())
    costs, results = [], []
    for case in cases(args):
        function = partial(case.run, side)
        costs += compare({side: function}, args.runs, args.device).values()
        results.append([tensor.cpu() for tensor in function()])
    Path(folder, f'{side}.json').write_text(json.dumps(costs))
    torch.save(results, Path(folder, f'{side}.pt'))


def measured(python: Path, side: str, folder: str) -> Tuple[List, List]:
    """Run :func:`measure` by an interpreter; gives costs and results."""
    done = subprocess.run(
        [python, __file__, *sys.argv[1:], '--one', side, folder],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(
                 [str(ROOT), os.environ.get('PYTHONPATH', '')]),
             'OMP_NUM_THREADS': '1', VARIABLE: 'pytorch'})
    if done.returncode:
        raise SystemExit(f'{side} failed by {python}, see above')
    costs = json.loads(Path(folder, f'{side}.json').read_text())
    return ([Cost(*cost) for cost in costs],
            torch.load(Path(folder, f'{side}.pt')))


def remarks(results: List[List[Tensor]]) -> List[str]:
    """How alike the results of a case are.

    Raises:
        AssertionError: If they are not.
    """
    if len(results) < 2:
        return []
    for other in results[1:]:
        torch.testing.assert_close(results[0], other, rtol=1e-4, atol=1e-4)
    if not results[0][0].is_floating_point():
        return [f'the same {len(results[0][0]):,} boxes kept']
    difference = max(float((a - b).abs().max())
                     for other in results[1:]
                     for a, b in zip(results[0], other))
    return [f'largest difference of a result or gradient: {difference:.0e}']


def run(args: argparse.Namespace) -> List[Comparison]:
    """Measure all cases, on all sides that there are."""
    sides = {OURS: Path(sys.executable)}
    if args.compiled is not None:
        sides[COMPILED] = args.compiled
    if torchvision_works(args.device.upper()):
        sides[TORCHVISION] = Path(sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        found = {side: measured(python, side, folder)
                 for side, python in sides.items()}
    on_gpu = args.device != 'cpu'
    return [
        Comparison(
            f'{case.title}, {torch.cuda.get_device_name()}'
            if on_gpu else case.title,
            {side: costs[number] for side, (costs, _) in found.items()},
            {} if on_gpu else {COMPILED: Aim(case.aim)},
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
