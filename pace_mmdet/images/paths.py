"""Finding the image files that annotation files name."""
import os.path as osp
import posixpath
from typing import Callable, List, Sequence

from pace_mmdet.errors import Faults, ImageFileError


def bare_name(name: str) -> str:
    """A file's name without folders, whichever way these are separated."""
    return name.replace('\\', '/').rpartition('/')[2]


def find_images(folder: str,
                file_names: Sequence[str],
                exists: Callable[[str], bool] = osp.exists,
                by_cell_type: bool = False) -> List[str]:
    """Find images in a folder, or in one per cell type below.

    LIVECell's archive and its mirrors differ there, while the annotations
    hold bare names. The cell type is what stands before a name's first
    underscore (``A172_Phase_A7_1_00d00h00m_1.tif``). Other names may hold
    folders, with slashes or backslashes; where there is no such file, that of
    the bare name is taken.

    Args:
        folder (str): The folder, or an address that ``exists`` knows.
        file_names (Sequence[str]): Names as the annotation file has them.
        exists (Callable): Whether there is such a file.
        by_cell_type (bool): Whether to look in LIVECell's folders by cell
            type where a file isn't in the folder itself.

    Returns:
        list[str]: The path of each image.

    Raises:
        ImageFileError: If any is not there; lists all of them.
    """
    faults = Faults(folder or 'image folder', ImageFileError)
    join = posixpath.join if '://' in folder else osp.join
    paths = []
    for name in file_names:
        bare = bare_name(name)
        candidates = [join(folder, name), join(folder, bare)]
        if by_cell_type:
            candidates.append(join(folder, bare.split('_')[0], bare))
        candidates = list(dict.fromkeys(candidates))
        found = next(filter(exists, candidates), None)
        if found:
            paths.append(found)
        else:
            faults.add(f'{name}: expected at {" or ".join(candidates)}')
    faults.raise_if_any('Put the images there, or set data_root and '
                        "data_prefix=dict(img=...) to where they are.")
    return paths
