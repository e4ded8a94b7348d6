"""Find the cells of a project's images, for the annotation page.

The page starts it. What it finds it writes beside the project's file, image
after image, and goes on where it stopped.
"""
import argparse
from pathlib import Path
from typing import Iterator, List

import msgspec
from mmengine.device import get_device

from pace_mmdet.engine.bfloat16 import in_bfloat16
from pace_mmdet.inference.proposing import propose
from pace_mmdet.inference.segmenter import load_segmenter
from pace_mmdet.masks.corrections import LOWEST_SCORE

from .image_options import add_plane_options
from .running import program


class _Image(msgspec.Struct):
    id: int
    path: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument('images', help='JSON list of images: id and path')
    parser.add_argument('--checkpoint', required=True, help='trained model')
    parser.add_argument('--out-dir', required=True,
                        help='where it goes; a file "first" there, with the '
                        'id of an image, says which is waited for')
    add_plane_options(parser, page='plane of stacks, from 0',
                      channel='channel, from 0')


def run(args: argparse.Namespace) -> None:
    """Find the cells of all images that were not looked at yet.

    Args:
        args (argparse.Namespace): Of :func:`add_arguments`.

    Raises:
        UserError: If the checkpoint is no good.
    """
    images = msgspec.json.decode(Path(args.images).read_bytes(),
                                 type=List[_Image])
    out = Path(args.out_dir)
    segmenter = load_segmenter(
        args.checkpoint, score_thr=LOWEST_SCORE,
        in_bfloat16=in_bfloat16('auto', get_device()))
    for image in _in_order(images, out):
        count = propose(segmenter, Path(image.path), out, str(image.id),
                        args.page, args.channel)
        print(f'{image.path}: {count} cells', flush=True)


def _in_order(images: List[_Image], out: Path) -> Iterator[_Image]:
    """Those that are left, the one that is waited for before the others."""
    left = {image.id: image for image in images
            if not (out / f'{image.id}.json').exists()}
    while left:
        try:
            wanted = int((out / 'first').read_text(encoding='ascii'))
        except (OSError, ValueError):
            wanted = None
        yield left.pop(wanted if wanted in left else next(iter(left)))


# Not one of the commands that a user types: the page starts it.
if __name__ == '__main__':
    raise SystemExit(program('pace_mmdet.commands.propose')())
