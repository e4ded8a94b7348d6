"""Writing pictures whole or not at all."""
import io
from pathlib import Path
from typing import TYPE_CHECKING, Optional, Union

import cv2
import numpy as np

from pace_mmdet.errors import UserError
from pace_mmdet.files import write_atomically

if TYPE_CHECKING:
    # Loading it takes seconds, and not every user of this module draws.
    from matplotlib.figure import Figure


def save_figure(figure: 'Figure',
                path: Union[str, Path],
                dpi: float = 150,
                description: Optional[str] = None) -> Path:
    """Save a figure; an existing file is replaced.

    Args:
        figure (Figure): The figure.
        path (str | Path): Where to; the folder is made if it is missing. The
            suffix (``.png``, ``.pdf``, ``.svg``, ...) decides the format.
        dpi (float): Pixels per inch.
        description (str, optional): What it shows, as text in a PNG file.

    Returns:
        Path: The file.

    Raises:
        UserError: If Matplotlib does not know the suffix.
    """
    path = Path(path)
    known = figure.canvas.get_supported_filetypes()
    kind = path.suffix[1:].lower()
    if kind not in known:
        raise UserError(f'{path}: cannot save a figure as {path.suffix!r}, '
                        f'expected one of {sorted(known)}')
    content = io.BytesIO()
    figure.savefig(content, dpi=dpi, format=kind, metadata=None if
                   description is None else dict(Description=description))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content.getvalue())
    return path


def save_png(image: np.ndarray, path: Union[str, Path]) -> Path:
    """Save an RGB image, uint8, shape (H, W, 3); replaces a file.

    Returns:
        Path: The file.
    """
    path = Path(path)
    content = cv2.imencode('.png', image[..., ::-1])[1].tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)
    return path
