"""Segmenting images from the page, by ``pace predict``."""
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, List, Literal, Optional

import msgspec

from pace_mmdet.files import atomic_file, write_atomically
from pace_mmdet.masks.corrections import CorrectionsFile

from .errors import ChangeRefused, NotFound
from .folder import resolve
from .jobs import Job

if TYPE_CHECKING:
    from .models import Models
    from .project import Project

PREDICT = ('pace_mmdet', 'predict')

Format = Literal['labels', 'roi', 'geojson', 'csv', 'overlay']


class SegmentBody(msgspec.Struct, forbid_unknown_fields=True):
    """A wish to segment.

    Attributes:
        formats: Of ``pace predict``.
        score: Cells that score less are left out.
        folder: Of images, with those below it; empty for the project's.
        out: Where results go; empty for a folder beside the project's file.
    """
    formats: Annotated[List[Format], msgspec.Meta(min_length=1)]
    score: Annotated[float, msgspec.Meta(ge=0, le=1)]
    folder: str = ''
    out: str = ''


class _Task(msgspec.Struct):
    """What is being done, kept beside the job."""
    images: str
    out: str
    formats: List[str]


def start(project: 'Project', wish: SegmentBody) -> dict:
    """Start to segment; one folder at a time.

    Returns:
        dict: :func:`status`.

    Raises:
        ChangeRefused: If it is running already, or the folder is none.
        NotFound: If there is no model.
    """
    models = project.models
    job = _job(models)
    if job.state() == 'running':
        raise ChangeRefused('a folder is being segmented; stop it or wait for '
                            'it')
    checkpoint = models.checkpoint()
    images = Path(wish.folder).expanduser() if wish.folder else project.folder
    if not images.is_dir():
        raise ChangeRefused(f'{images}: no such folder')
    own = not wish.out
    out = Path(wish.out).expanduser() if wish.out else (
        models.folder / 'segmented' / checkpoint.parent.parent.name)
    task = _Task(str(images.resolve()), str(out.resolve()), wish.formats)
    job.folder.mkdir(parents=True, exist_ok=True)
    write_atomically(job.folder / 'task.json', msgspec.json.encode(task))
    command = [
        *PREDICT, task.images, '--recursive', '--checkpoint',
        str(checkpoint), '--out-dir', task.out, '--format',
        ','.join(wish.formats), '--score-thr', str(wish.score), '--auto-amp'
    ]
    is_own = images.resolve() == project.folder.resolve()
    for name in ('page', 'channel'):
        if project.meta[name] is not None and is_own:
            command += [f'--{name}', str(project.meta[name])]
    if is_own:
        path = job.folder / 'corrections.json'
        write_atomically(path, msgspec.json.encode(_corrections(project)))
        command += ['--corrections', str(path)]
    # What others have put into a folder is not replaced.
    job.start([command + (['--overwrite'] if own else [])])
    return status(project)


def stop(project: 'Project') -> dict:
    """Stop it; what is written is complete."""
    _job(project.models).stop()
    return status(project)


def status(project: 'Project') -> dict:
    """How it stands.

    Returns:
        dict: ``state`` (of a job), ``images`` and ``out`` (folders), ``lines``
        (the last that it printed) and ``files`` (results so far).
    """
    job = _job(project.models)
    task = _task(job)
    if task is None:
        return dict(state='new')
    return dict(state=job.state(), images=task.images, out=task.out,
                lines=job.last_lines(), files=len(_results(task)))


def zipped(project: 'Project') -> Path:
    """All results in one file.

    Raises:
        NotFound: If there is none.
    """
    job = _job(project.models)
    task = _task(job)
    files = _results(task) if task else []
    if not files:
        raise NotFound('nothing was segmented yet')
    path = job.folder / 'segmented.zip'
    with atomic_file(path) as target, zipfile.ZipFile(
            target, 'w', zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(task.out))
    return path


def _corrections(project: 'Project') -> CorrectionsFile:
    """What was said of the project's own images."""
    return CorrectionsFile({
        str(resolve(project.folder, image.name)):
            project.models.corrections(image.id)
        for image in project.images.values() if not image.problem})


def _job(models: 'Models') -> Job:
    return Job(models.folder / 'segmenting')


def _task(job: Job) -> Optional[_Task]:
    try:
        content = (job.folder / 'task.json').read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(content, type=_Task)


def _results(task: _Task) -> List[Path]:
    return sorted(path for path in Path(task.out).rglob('*')
                  if path.is_file() and not path.name.startswith('.'))
