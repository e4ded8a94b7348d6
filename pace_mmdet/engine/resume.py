"""Finding the checkpoint that a run goes on from."""
import re
from pathlib import Path
from typing import Optional, Union

from pace_mmdet.errors import UserError

from .safe_loading import load_checkpoint_file


def find_checkpoint(work_dir: Union[str, Path]) -> Optional[Path]:
    """The latest checkpoint of a work directory.

    That is the one ``last_checkpoint`` names; if the directory was moved,
    the one of that name in it; otherwise the ``iter_*.pth`` or
    ``epoch_*.pth`` of the highest number.

    Args:
        work_dir (str or Path): The directory; it need not exist.

    Returns:
        Path or None: The checkpoint, None if there is none yet.
    """
    work_dir = Path(work_dir)
    pointer = work_dir / 'last_checkpoint'
    if pointer.is_file():
        named = Path(pointer.read_text('utf-8').strip())
        for path in (work_dir / named.name, named):
            if path.is_file():
                return path
    numbered = [(int(match[1]), path) for path in work_dir.glob('*.pth')
                if (match := re.fullmatch(r'(?:iter|epoch)_(\d+)', path.stem))]
    return max(numbered)[1] if numbered else None


def checkpoint_seed(path: Union[str, Path],
                    trust: bool = False) -> Optional[int]:
    """The seed of the run that saved a checkpoint.

    mmengine restores it too late, when the order of the data is fixed.

    Args:
        path (str or Path): The checkpoint; its weights are not read.
        trust (bool): Whether to run the code that it holds.

    Raises:
        UserError: The file cannot be loaded, or is no training checkpoint.
    """
    checkpoint = load_checkpoint_file(path, 'cpu', trust, mmap=True)
    if 'optimizer' not in checkpoint or 'iter' not in checkpoint.get(
            'meta', {}):
        raise UserError(
            f'{path}: holds weights only, no state to resume from (optimizer, '
            'iteration). To start a new run from its weights, give '
            '--load-from')
    return checkpoint['meta'].get('seed')
