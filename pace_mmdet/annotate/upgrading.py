"""Project files of earlier versions, brought up to date.

A new file is made as one of version 1 and brought up to date as well, so
that both are the same. A step that has been published never changes: what is
new is another step at the end of :data:`STEPS`.
"""
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Callable, Sequence

from pace_mmdet.files import temporary_path

# Which images are complete: since version 2. ``complete`` is JSON: true,
# false, or the parts of the image that are, [[x, y, width, height], ...].
# Without an annotator it is not known who said so. Changes may now be those
# of an image, without a box.
_COMPLETENESS = '''
CREATE TABLE completeness (
  image_id INTEGER PRIMARY KEY REFERENCES images (id),
  revision INTEGER NOT NULL, complete TEXT NOT NULL,
  annotator TEXT NOT NULL);
DROP INDEX changes_by_image;
ALTER TABLE changes RENAME TO changes_1;
CREATE TABLE changes (
  request TEXT PRIMARY KEY, annotator TEXT NOT NULL, kind TEXT NOT NULL,
  image_id INTEGER NOT NULL, box_id INTEGER, point INTEGER,
  seconds REAL NOT NULL, made_at REAL NOT NULL, reply TEXT NOT NULL)
  WITHOUT ROWID;
INSERT INTO changes SELECT * FROM changes_1;
DROP TABLE changes_1;
CREATE INDEX changes_by_image ON changes (image_id);
'''
# Version 1 exported each image with a finished box. Those without an open
# one stay in the export, and are shown as complete by nobody's word.
_ASSUME_COMPLETE = '''
INSERT INTO completeness
SELECT image_id, 0, 'true', '' FROM (
  SELECT image_id, (SELECT count(*) FROM answers a WHERE box_id = id
    AND a.revision = boxes.revision AND point < meta.value)
    = meta.value AS finished
  FROM boxes JOIN meta ON meta.name = 'num_points' WHERE NOT deleted)
GROUP BY image_id HAVING min(finished)
'''


def run_script(connection: sqlite3.Connection, script: str) -> None:
    """Run statements within the transaction; ``executescript`` ends it."""
    for statement in script.split(';'):
        connection.execute(statement)


def _completeness(connection: sqlite3.Connection) -> None:
    run_script(connection, _COMPLETENESS + _ASSUME_COMPLETE)


# Training in the page: since version 3. A round is a model, trained on what
# was complete at its time; its folder lies beside the project's file. Places
# where a model's proposal was rejected are kept, and which answers a person
# gave without being asked, by confirming what a model thought.
_ROUNDS = '''
CREATE TABLE rounds (
  id INTEGER PRIMARY KEY, request TEXT NOT NULL UNIQUE,
  annotator TEXT NOT NULL, started_at REAL NOT NULL,
  settings TEXT NOT NULL, state TEXT NOT NULL, outcome TEXT NOT NULL);
CREATE TABLE rejections (
  key TEXT PRIMARY KEY, image_id INTEGER NOT NULL REFERENCES images (id),
  x REAL NOT NULL, y REAL NOT NULL, width REAL NOT NULL, height REAL NOT NULL,
  annotator TEXT NOT NULL, undone INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX rejections_by_image ON rejections (image_id);
ALTER TABLE answers ADD COLUMN how TEXT NOT NULL DEFAULT 'asked'
'''


def _rounds(connection: sqlite3.Connection) -> None:
    run_script(connection, _ROUNDS)


# Points that are not the random ones of their box: since version 4. 'kept'
# with their answers from an earlier place of the box, where they were random;
# 'uncertain' where a model was. All others follow from seed, id and box.
_PIXELS = '''
CREATE TABLE pixels (
  box_id INTEGER NOT NULL, revision INTEGER NOT NULL, point INTEGER NOT NULL,
  x INTEGER NOT NULL, y INTEGER NOT NULL,
  chosen TEXT NOT NULL CHECK (chosen IN ('kept', 'uncertain')),
  PRIMARY KEY (box_id, revision, point),
  FOREIGN KEY (box_id, revision) REFERENCES revisions) WITHOUT ROWID
'''


def _pixels(connection: sqlite3.Connection) -> None:
    run_script(connection, _PIXELS)


Step = Callable[[sqlite3.Connection], None]
# The first makes version 2 of version 1, and so on.
STEPS: Sequence[Step] = (_completeness, _rounds, _pixels)
VERSION = 1 + len(STEPS)


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """Bring a project up to date.

    Args:
        connection (sqlite3.Connection): The project, in a transaction.
        version (int): What it is of.
    """
    for step in STEPS[version - 1:]:
        step(connection)
    connection.execute(f'PRAGMA user_version = {VERSION}')


def copy_before_upgrade(connection: sqlite3.Connection, path: Path,
                        version: int) -> Path:
    """Copy a project's file, with what is not in the file itself yet.

    Args:
        connection (sqlite3.Connection): The project, in no transaction.
        path (Path): Its file.
        version (int): What it is of.

    Returns:
        Path: The copy, beside it: ``NAME.version-N``, or with a number after
        that if there is such a file from another time.
    """
    unfinished = temporary_path(path)
    try:
        unfinished.touch(0o600)
        with closing(sqlite3.connect(unfinished)) as copy:
            connection.backup(copy)
            # Whole in one file, which can be put back under the old name.
            copy.execute('PRAGMA journal_mode = DELETE')
        number = 1
        while True:
            last = f'-{number}' if number > 1 else ''
            target = path.with_name(f'{path.name}.version-{version}{last}')
            if not target.exists():
                return unfinished.rename(target)
            number += 1
    finally:
        unfinished.unlink(missing_ok=True)
