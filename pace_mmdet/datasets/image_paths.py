"""Finding image files in the folder layouts that LIVECell comes in."""
import os.path as osp
from typing import List, Optional, Sequence

from mmengine.fileio import exists, join_path

from .errors import Faults, ImageFileError


def find_images(folder: str,
                file_names: Sequence[str],
                backend_args: Optional[dict] = None) -> List[str]:
    """Find images that lie flat in a folder or in one per cell type below.

    LIVECell's archive and its mirrors differ there, while the annotations
    hold bare names. The cell type is what stands before a name's first
    underscore (``A172_Phase_A7_1_00d00h00m_1.tif``).

    Args:
        folder (str): The folder, or an address that mmengine can read.
        file_names (Sequence[str]): Names as the annotation file has them.
        backend_args (dict, optional): mmengine's file backend.

    Returns:
        list[str]: The path of each image.

    Raises:
        ImageFileError: If any is in neither place; lists all of them.
    """
    faults = Faults(folder or 'image folder', ImageFileError)
    paths = []
    for name in file_names:
        cell_type = osp.basename(name).split('_')[0]
        candidates = [
            join_path(folder, name, backend_args=backend_args),
            join_path(folder, cell_type, name, backend_args=backend_args)
        ]
        found = [c for c in candidates if exists(c, backend_args)]
        if found:
            paths.append(found[0])
        else:
            faults.add(f'{name}: expected at {candidates[0]} or '
                       f'{candidates[1]}')
    faults.raise_if_any('Put the images there, or set data_root and '
                        "data_prefix=dict(img=...) to where they are.")
    return paths
