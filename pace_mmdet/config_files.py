"""The configs that come with the package.

In a checkout they lie in ``configs``, beside the package; in an installed
package inside of it. Nothing here loads MMDetection.
"""
import difflib
from pathlib import Path
from typing import Dict, Union

from .errors import UserError

# Before a config's path, wherever a config is named: as for MMDetection's.
SCOPE = 'pace_mmdet::'


def configs_folder() -> Path:
    """The folder of the configs."""
    package = Path(__file__).resolve().parent
    inside = package / 'configs'
    return inside if inside.is_dir() else package.parent / 'configs'


def named_configs() -> Dict[str, Path]:
    """The configs by name; those that others inherit from are left out."""
    folder = configs_folder()
    paths = sorted(path for path in folder.glob('*/*.py')
                   if path.parent.name != '_base_')
    return {path.stem: path for path in paths}


def find_config(name: Union[str, Path]) -> Path:
    """A config file by its path, or one of ours by its name.

    Args:
        name (str or Path): A file; or the name of one of our configs, with
            or without its folder: ``pace_r200_dcn_4pt``,
            ``pace/pace_r200_dcn_4pt.py``, also behind ``pace_mmdet::``.

    Returns:
        Path: The file.

    Raises:
        UserError: There is none.
    """
    path = Path(name)
    if path.is_file():
        return path
    inner = Path(str(name).removeprefix(SCOPE))
    if not inner.is_absolute() and '..' not in inner.parts:
        ours = configs_folder() / inner.with_suffix('.py')
        if ours.is_file():
            return ours
    known = named_configs()
    if inner.name == str(inner) and inner.stem in known:
        return known[inner.stem]
    close = difflib.get_close_matches(inner.stem, known, n=3)
    raise UserError(f'{name}: no such config file, and none of ours has this '
                    'name' + (f'; nearest: {", ".join(close)}' if close else
                              '; pace configs lists them'))
