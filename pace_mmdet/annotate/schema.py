"""The project's file: one SQLite database.

A box never loses what it once was. Its places in the image are numbered
revisions, and answers belong to a revision: moving the box makes a new one
with the answers that still lie in it (``pixels.py``), and undoing the move
makes the old one current again, with all of its answers. So no change deletes
a row, and each is undone by a pointer.
"""
import os
import sqlite3
import stat
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Callable, Iterator, Optional, Union

from .errors import ProjectError, StorageError
from .upgrading import VERSION, copy_before_upgrade, run_script, upgrade

APPLICATION_ID = 0x50414345  # "PACE", at byte 68 of the file
DEFAULT_POINTS = 4
MAX_POINTS = 100

# x, y, width and height as in COCO, so that a box is the same numbers here,
# in the exported file and in the points drawn from it. This is version 1, for
# good; upgrading.py has what came later.
_SCHEMA = f'''
PRAGMA application_id = {APPLICATION_ID};
CREATE TABLE meta (
  name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE images (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  width INTEGER NOT NULL, height INTEGER NOT NULL,
  bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL);
CREATE TABLE boxes (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,
  image_id INTEGER NOT NULL REFERENCES images (id),
  revision INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0,
  annotator TEXT NOT NULL, imported INTEGER NOT NULL DEFAULT 0,
  holder TEXT, held_until REAL NOT NULL DEFAULT 0);
CREATE INDEX boxes_by_image ON boxes (image_id);
CREATE INDEX boxes_by_holder ON boxes (holder) WHERE holder IS NOT NULL;
CREATE TABLE revisions (
  box_id INTEGER NOT NULL REFERENCES boxes (id), revision INTEGER NOT NULL,
  x REAL NOT NULL, y REAL NOT NULL, width REAL NOT NULL, height REAL NOT NULL,
  annotator TEXT NOT NULL, PRIMARY KEY (box_id, revision)) WITHOUT ROWID;
CREATE TABLE answers (
  box_id INTEGER NOT NULL, revision INTEGER NOT NULL, point INTEGER NOT NULL,
  label INTEGER NOT NULL CHECK (label IN (-1, 0, 1)),
  annotator TEXT NOT NULL, PRIMARY KEY (box_id, revision, point),
  FOREIGN KEY (box_id, revision) REFERENCES revisions) WITHOUT ROWID;
CREATE TABLE changes (
  request TEXT PRIMARY KEY, annotator TEXT NOT NULL, kind TEXT NOT NULL,
  image_id INTEGER NOT NULL, box_id INTEGER NOT NULL, point INTEGER,
  seconds REAL NOT NULL, made_at REAL NOT NULL, reply TEXT NOT NULL)
  WITHOUT ROWID;
CREATE INDEX changes_by_image ON changes (image_id);
'''


def open_project(path: Union[str, Path],
                 num_points: Optional[int] = None,
                 seed: Optional[int] = None,
                 page: Optional[int] = None,
                 channel: Optional[int] = None,
                 tell: Callable[[str], None] = lambda text: None
                 ) -> sqlite3.Connection:
    """Open a project's file for writing, or make it.

    One of an earlier version is copied and then brought up to date, which
    happens whole or not at all.

    Args:
        path (str or Path): The file.
        num_points (int, optional): Points per box. A project may be given
            more or fewer at any time, since points are nested. Defaults to
            the project's, 4 for a new one.
        seed (int, optional): Seed of the points, for good. Defaults to the
            project's, 0 for a new one.
        page (int, optional): Plane of files with more than one, for good.
            Defaults to the project's, none for a new one.
        channel (int, optional): Channel of files with several, for good.
            Defaults to the project's, none for a new one.
        tell (Callable): Told if the project was of an earlier version.

    Returns:
        sqlite3.Connection: Usable by any one thread at a time.

    Raises:
        ProjectError: If the file cannot be opened, is no project or one of
            a later version, or an argument is not the project's.
        StorageError: If the disk is full.
    """
    path = Path(path)
    if num_points is not None and not 1 <= num_points <= MAX_POINTS:
        raise ProjectError('the number of points per box must be from 1 to '
                           f'{MAX_POINTS}, got {num_points}')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _make_private(path)
        connection = _connect(str(path))
    except (OSError, sqlite3.Error) as error:
        raise ProjectError(f'{path}: cannot be opened: {error}') from None
    with _closed_on_error(connection, path):
        version = _version(connection, path)
        copy = None
        if 0 < version < VERSION:
            copy = copy_before_upgrade(connection, path, version)
        with connection:
            # Or two that make the same file come in between each other.
            connection.execute('BEGIN EXCLUSIVE')
            version = _version(connection, path)
            if not version:
                run_script(connection, _SCHEMA)
                write_meta(connection, project=uuid.uuid4().hex,
                           seed=seed or 0,
                           num_points=num_points or DEFAULT_POINTS,
                           page=-1 if page is None else page,
                           channel=-1 if channel is None else channel)
            if version < VERSION:
                upgrade(connection, max(version, 1))
            _check_settings(connection, path, seed=seed, page=page,
                            channel=channel)
            if num_points is not None:
                write_meta(connection, num_points=num_points)
        if copy is not None:
            tell(f'{path}: was a project of version {version} and is one of '
                 f'version {VERSION} now; as it was, it is in {copy}')
        # An answer is acknowledged after its commit has reached the disk.
        connection.execute('PRAGMA journal_mode = WAL')
        connection.execute('PRAGMA synchronous = FULL')
    return connection


def open_for_reading(path: Union[str, Path]) -> sqlite3.Connection:
    """A second connection, which sees what is committed.

    Args:
        path (str or Path): An existing project's file.

    Raises:
        ProjectError: If it is missing, no project or one of another version.
    """
    path = Path(path)
    if not path.is_file():
        raise ProjectError(f'{path}: no such project file')
    connection = _connect(f'{path.resolve().as_uri()}?mode=rw', uri=True)
    with _closed_on_error(connection, path):
        version = _version(connection, path)
        if version != VERSION:
            what = (f'a project of version {version}, to be opened for '
                    'writing first' if version else
                    'an empty file, no project')
            raise ProjectError(f'{path}: {what}')
        connection.execute('PRAGMA query_only = ON')
    return connection


def read_meta(connection: sqlite3.Connection) -> dict:
    """The project's settings: project, seed, num_points, page, channel,
    asked.
    """
    meta = dict(map(tuple, connection.execute('SELECT * FROM meta')))
    for name in ('page', 'channel'):
        # Projects of earlier versions have no channel.
        value = meta.get(name, -1)
        meta[name] = None if value < 0 else value
    meta.setdefault('asked', 'random')
    return meta


def as_storage_error(error: sqlite3.Error,
                     path: Union[str, Path]) -> Exception:
    """SQLite's error in the user's terms."""
    if isinstance(error, sqlite3.OperationalError):
        code = getattr(error, 'sqlite_errorname', '')
        what = ('the disk is full; free some space'
                if code == 'SQLITE_FULL' else f'cannot be written ({error})')
        return StorageError(f'{path}: {what}. Nothing that was acknowledged '
                            'is lost.')
    return ProjectError(f'{path}: no usable project file ({error}). Give '
                        'another path, or a copy of the file from before.')


@contextmanager
def _closed_on_error(connection: sqlite3.Connection,
                     path: Path) -> Iterator[None]:
    """Close a file that turns out to be no good, and say why."""
    try:
        yield
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise as_storage_error(error, path) from None
        raise


def _make_private(path: Path) -> None:
    """Leave a project's file to its owner; make it if it does not exist.

    A group that may write to it keeps its rights: somebody gave them.
    SQLite makes the files beside with the rights of this one.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    mode = stat.S_IMODE(path.stat().st_mode)
    kept = mode & (0o770 if mode & stat.S_IWGRP else 0o700)
    if kept != mode:
        # Only its owner can, who else may write to it.
        with suppress(PermissionError):
            path.chmod(kept)


def _connect(name: str, uri: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        name, timeout=10, isolation_level=None, check_same_thread=False,
        uri=uri)
    connection.row_factory = sqlite3.Row
    return connection


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Version of a project, 0 of an empty file; refuses what is no project.
    """
    application, = connection.execute('PRAGMA application_id').fetchone()
    version, = connection.execute('PRAGMA user_version').fetchone()
    tables, = connection.execute(
        'SELECT count(*) FROM sqlite_master').fetchone()
    if not (application or version or tables):
        return 0
    if application != APPLICATION_ID:
        raise ProjectError(f'{path}: an SQLite database, but of another '
                           'program. Give the path of a project or of a file '
                           'that does not exist yet.')
    if version > VERSION:
        raise ProjectError(
            f'{path}: a project of version {version}, this program reads '
            f'versions up to {VERSION}. Open it with a later version of '
            'pace_mmdet.')
    return version


def _check_settings(connection: sqlite3.Connection, path: Path,
                    **settings: Optional[int]) -> None:
    """Points and pixels of one project must all be of one kind."""
    meta = read_meta(connection)
    for name, given in settings.items():
        if given is not None and given != meta[name]:
            has = f'--{name} {meta[name]}' if meta[name] is not None else \
                f'no --{name}'
            raise ProjectError(
                f'{path}: this project was begun with {has}, got {given}. '
                f'Leave --{name} out, or begin a new project.')


def write_meta(connection: sqlite3.Connection, **settings) -> None:
    """Change settings; -1 stands for no page or channel."""
    connection.executemany('INSERT OR REPLACE INTO meta VALUES (?, ?)',
                           settings.items())
