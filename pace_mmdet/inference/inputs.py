"""Which images are segmented, and where their results go."""
import glob
import tempfile
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Sequence, Union

from pace_mmdet.errors import UserError
from pace_mmdet.images.folders import list_folder, stem_of
from pace_mmdet.images.formats import IMAGE_SUFFIXES, is_zarr

from .writers import Output

_MOST_NAMED = 5


class Job(NamedTuple):
    """An image file to segment.

    Attributes:
        path (Path): The file.
        stem (Path): Where its results go: folder, and the start of their
            names.
    """
    path: Path
    stem: Path

    def path_of(self, output: Output) -> Path:
        """Where one of its results goes."""
        return self.stem.with_name(self.stem.name + output.ending)


def plan_jobs(inputs: Sequence[Union[str, Path]],
              out_dir: Union[str, Path],
              recursive: bool = False,
              note: Callable[[str], None] = lambda text: None) -> List[Job]:
    """Find the images, and settle where the results of each go.

    Args:
        inputs (Sequence[str | Path]): Files, folders, and patterns such as
            ``a/*.tif``. Of folders, the files that end as images do.
        out_dir (str or Path): Folder of the results. Those of images in
            folders below an input folder go into folders of the same names.
        recursive (bool): Whether to look into folders below.
        note (Callable): Told what was left out of a folder and why, a line
            for each reason.

    Returns:
        list[Job]: In the order given, those of a folder by name; each file
        once.

    Raises:
        UserError: If an input is missing or holds no image, or two would
            have results of the same name.
    """
    out_dir = Path(out_dir)
    jobs: Dict[Path, Job] = {}
    for item in inputs:
        if Path(item).is_dir() and not is_zarr(Path(item)):
            found = _images_in(Path(item), out_dir, recursive, note)
        else:
            found = [Job(path, out_dir / stem_of(path.name))
                     for path in _matches(str(item))]
        for job in found:
            jobs.setdefault(job.path.resolve(), job)
    _check_names(list(jobs.values()))
    return list(jobs.values())


def prepare_folder(out_dir: Union[str, Path]) -> None:
    """Make the folder of the results, and see that it can be written to.

    Raises:
        UserError: If not.
    """
    try:
        Path(out_dir).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out_dir):
            pass
    except OSError as error:
        raise UserError(f'{out_dir}: cannot write there '
                        f'({error.strerror}); choose another folder with '
                        '--out-dir') from None


def _matches(item: str) -> List[Path]:
    """A file, also if it is called like a pattern, or what a pattern fits."""
    if Path(item).is_file() or is_zarr(Path(item)):
        return [Path(item)]
    found = [Path(name) for name in sorted(glob.glob(item, recursive=True))
             if Path(name).is_file() or is_zarr(Path(name))]
    if not found:
        raise UserError(f'{item}: no such image, folder, or pattern that '
                        'fits any')
    return found


def _images_in(folder: Path, out_dir: Path, recursive: bool,
               note: Callable[[str], None]) -> List[Job]:
    if out_dir.resolve() == folder.resolve():
        raise UserError(f'{folder}: the results would lie among the images, '
                        'and be taken for images the next time; choose '
                        'another folder with --out-dir')
    found = list_folder(folder, recursive, without=[out_dir])
    if not found.images:
        raise UserError(f'{folder}: no images there, expected files of type '
                        f'{", ".join(IMAGE_SUFFIXES)}' +
                        ('' if recursive else
                         '; to look into folders below, add --recursive') +
                        ''.join(f'\n  {line}' for line in found.left_out))
    for line in found.left_out:
        note(f'{folder}: {line}')
    return [
        Job(path,
            out_dir / path.parent.relative_to(folder) / stem_of(path.name))
        for path in sorted(found.images)
    ]


def _check_names(jobs: List[Job]) -> None:
    by_stem: Dict[str, List[Path]] = {}
    for job in jobs:
        # Some file systems don't tell upper and lower case apart.
        by_stem.setdefault(str(job.stem).casefold(), []).append(job.path)
    alike = [' and '.join(map(str, paths)) for paths in by_stem.values()
             if len(paths) > 1]
    if alike:
        more = len(alike) - _MOST_NAMED
        raise UserError('results of different images would have the same '
                        'name:\n' +
                        ''.join(f'  - {names}\n'
                                for names in alike[:_MOST_NAMED]) +
                        (f'  ... and {more} more\n' if more > 0 else '') +
                        'Segment them in separate runs, each with an '
                        '--out-dir of its own')
