"""Finding image files in the folder layouts that LIVECell comes in."""
import os.path as osp
import posixpath
from typing import Callable, List, Sequence

from pace_mmdet.errors import Faults, ImageFileError


def find_images(folder: str,
                file_names: Sequence[str],
                exists: Callable[[str], bool] = osp.exists) -> List[str]:
    """Find images that lie flat in a folder or in one per cell type below.

    LIVECell's archive and its mirrors differ there, while the annotations
    hold bare names. The cell type is what stands before a name's first
    underscore (``A172_Phase_A7_1_00d00h00m_1.tif``).

    Args:
        folder (str): The folder, or an address that ``exists`` knows.
        file_names (Sequence[str]): Names as the annotation file has them.
        exists (Callable): Whether there is such a file.

    Returns:
        list[str]: The path of each image.

    Raises:
        ImageFileError: If any is in neither place; lists all of them.
    """
    faults = Faults(folder or 'image folder', ImageFileError)
    join = posixpath.join if '://' in folder else osp.join
    paths = []
    for name in file_names:
        cell_type = osp.basename(name).split('_')[0]
        candidates = [join(folder, name), join(folder, cell_type, name)]
        found = next(filter(exists, candidates), None)
        if found:
            paths.append(found)
        else:
            faults.add(f'{name}: expected at {candidates[0]} or '
                       f'{candidates[1]}')
    faults.raise_if_any('Put the images there, or set data_root and '
                        "data_prefix=dict(img=...) to where they are.")
    return paths
