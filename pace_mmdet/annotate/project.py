"""An open project: its file, its images, one writer, one reader."""
import math
import sqlite3
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Callable, Iterable, List, Optional, Sequence, Union

import numpy as np

from pace_mmdet.errors import ImageFileError
from pace_mmdet.files import PathLock
from pace_mmdet.images.intensities import Intensities

from . import asking, changes, queries
from .completeness import State, read_states
from .errors import ChangeRefused, NotFound
from .exporting import Export, export_points
from .folder import (ProjectImage, count_planes, examine, read_plane, resolve,
                     scan, without_folder)
from .holding import Tabs, take_boxes
from .importing import import_boxes
from .measuring import Effort, measured_efforts
from .models import Models
from .pixels import points_of_boxes
from .schema import (as_storage_error, open_for_reading, open_project,
                     read_meta, write_meta)
from .tiles import PyramidCache, num_levels
from .writer import Writer


class Project:
    """A folder of images and what was annotated on them.

    Only one process at a time may have a project open. All methods may be
    called from any thread.

    Args:
        folder (str or Path): The images.
        path (str or Path): The project's file; made if it does not exist.
        num_points (int, optional): As for
            :func:`~pace_mmdet.annotate.schema.open_project`.
        seed (int, optional): As for that.
        page (int, optional): As for that.
        progress (Callable): Wraps the image names while they are gone
            through.
        channel (int, optional): As for
            :func:`~pace_mmdet.annotate.schema.open_project`.
        intensities (Intensities): How they are shown.
        tell (Callable): Told if the project was of an earlier version.

    Raises:
        ProjectError: If the file, the folder or an argument is refused.
        UserError: If the project is open already.
        StorageError: If the disk is full.
    """

    def __init__(self,
                 folder: Union[str, Path],
                 path: Union[str, Path],
                 num_points: Optional[int] = None,
                 seed: Optional[int] = None,
                 page: Optional[int] = None,
                 progress: Callable[[Iterable[str]], Iterable[str]] = iter,
                 channel: Optional[int] = None,
                 intensities: Intensities = Intensities(),
                 tell: Callable[[str], None] = lambda text: None) -> None:
        self.folder, self.path = Path(folder), Path(path)
        self.lock = PathLock(path)
        try:
            connection = open_project(path, num_points, seed, page, channel,
                                      tell)
            try:
                self.meta = read_meta(connection)
                self.images = scan(folder, connection, self.meta['page'],
                                   progress, self.meta['channel'])
                self._reader = open_for_reading(path)
            except BaseException:
                connection.close()
                raise
        except BaseException:
            self.lock.release()
            raise
        self._writer = Writer(connection, path)
        self._reading = threading.Lock()
        self._tabs = Tabs()  # the writer's
        self._pyramids = PyramidCache(self._read_image,
                                      intensities=intensities)
        self.models = Models(self)

    @property
    def num_points(self) -> int:
        """Points per box."""
        return self.meta['num_points']

    def close(self) -> None:
        """Finish writing and let others open the project.

        What is being trained goes on.
        """
        self.models.close()
        self._writer.close()
        self._pyramids.close()
        with self._reading:
            self._reader.close()
        self.lock.release()

    def __enter__(self) -> 'Project':
        return self

    def __exit__(self, *exc_info) -> None:
        self.close()

    def image(self, image_id: int) -> ProjectImage:
        """An image by its id.

        Raises:
            NotFound: If there is none.
        """
        if image_id not in self.images:
            raise NotFound(f'there is no image {image_id}')
        return self.images[image_id]

    def usable_image(self, image_id: int) -> ProjectImage:
        """An image that can be annotated.

        Raises:
            NotFound: If there is none.
            ImageFileError: If it has a problem.
        """
        image = self.image(image_id)
        if image.problem:
            raise ImageFileError(f'{image.name}: {image.problem}')
        return image

    def pyramid(self, image_id: int, page: Optional[int] = None,
                channel: Optional[int] = None) -> Future:
        """An image in tiles.

        Args:
            image_id (int): The image.
            page (int, optional): Another plane than the annotated one, to
                look at.
            channel (int, optional): Another channel, the same.

        Returns:
            Future: Gives a :class:`~pace_mmdet.annotate.tiles.Pyramid`.
        """
        image = self.usable_image(image_id)
        plane = (self.meta['page'] if page is None else page,
                 self.meta['channel'] if channel is None else channel)
        return self._pyramids.get((image.id, image.modified_ns, *plane),
                                  image.width * image.height)

    def planes(self, image_id: int) -> dict:
        """What the file of an image holds, and what of it is annotated."""
        image = self.usable_image(image_id)
        planes = count_planes(resolve(self.folder, image.name))
        return dict(planes._asdict(), page=self.meta['page'],
                    channel=self.meta['channel'])

    def choose_plane(self, page: Optional[int],
                     channel: Optional[int]) -> Future:
        """Say which plane of files with several is annotated, for good.

        Args:
            page (int, optional): The plane, from 0.
            channel (int, optional): The channel, from 0.

        Returns:
            Future: Raises ChangeRefused if there are boxes already.
        """

        def job(connection: sqlite3.Connection) -> None:
            if connection.execute('SELECT 1 FROM boxes').fetchone():
                raise ChangeRefused('there are boxes already, and the pixels '
                                    'of one project must all be of one kind')
            write_meta(connection, page=-1 if page is None else page,
                       channel=-1 if channel is None else channel)
            # What was read of another plane is read again.
            connection.execute('UPDATE images SET width = 0, height = 0')
            self.images = examine(self.folder, connection, page,
                                  channel=channel)
            self.meta = read_meta(connection)

        return self._writer.submit(job)

    def _read_image(self, key: tuple) -> np.ndarray:
        image = self.images[key[0]]
        try:
            img = read_plane(
                resolve(self.folder, image.name), key[2], channel=key[3])
        except ImageFileError as error:
            text = without_folder(error, self.folder, image.name)
            raise ImageFileError(f'{image.name}: {text}') from None
        if img.shape[:2] == (image.height, image.width):
            return img
        if key[2:] != (self.meta['page'], self.meta['channel']):
            raise ImageFileError(f'{image.name}: this plane has another size '
                                 'than the one that is annotated')
        image.problem = (
            f'has changed: it was {image.width} x {image.height} pixels, and '
            f'is {img.shape[1]} x {img.shape[0]} now. Start the server again.')
        raise ImageFileError(f'{image.name}: {image.problem}')

    def summary(self) -> dict:
        """Settings, and the images with their progress."""
        counts, states = self.read(lambda connection: (
            queries.progress(connection, self.num_points),
            read_states(connection)))
        nothing = dict(boxes=0, finished=0, answers=0, changes=0)
        return dict(
            project=self.meta['project'],
            name=self.path.stem,
            seed=self.meta['seed'],
            num_points=self.num_points,
            asked=self.meta['asked'],
            images=[
                dict(id=image.id, name=image.name, problem=image.problem,
                     planes=image.planes and image.planes._asdict(),
                     **counts.get(image.id, nothing),
                     **states.get(image.id, State())._asdict())
                for image in self.images.values()
            ])

    def contents(self, image_id: int) -> dict:
        """An image's size and its boxes, with their points."""
        image = self.usable_image(image_id)
        contents = self.read(queries.contents_of_image, image_id,
                             self.num_points)
        self.add_points(contents['boxes'], image)
        return dict(
            contents, id=image.id, name=image.name, width=image.width,
            height=image.height, version=str(image.modified_ns),
            levels=num_levels(image.width, image.height))

    def change(self, change: changes.Change, annotator: str) -> Future:
        """Make a change (:func:`~pace_mmdet.annotate.changes.apply_change`).

        Returns:
            Future: Its reply, once it is on the disk.
        """

        def job(connection: sqlite3.Connection) -> dict:
            if hasattr(change, 'image'):
                self.usable_image(change.image)
            return changes.apply_change(
                connection, change, annotator, self.num_points, time.time(),
                self._choose_points)

        return self._writer.submit(job)

    def with_points(self, reply: dict) -> dict:
        """A change's reply with the points of its box, if it has one."""
        if 'box' not in reply:
            return reply
        self.add_points([reply['box']], self.image(reply['box']['image']))
        return reply

    def take(self, image_id: int, annotator: str, count: int,
             keep: Sequence[str], tab: str = '',
             near: Optional[Sequence[float]] = None) -> Future:
        """Give an annotator boxes to answer the points of.

        Args:
            image_id (int): The image.
            annotator (str): Who asks.
            count (int): How many to give.
            keep (Sequence[str]): Keys of boxes that the page still has.
            tab (str): Tells the pages of one annotator apart.
            near (Sequence[float], optional): The part of the image, x, y,
                width, height, that comes first.

        Returns:
            Future: Boxes with their points.
        """
        image = self.usable_image(image_id)

        def job(connection: sqlite3.Connection) -> List[dict]:
            now = time.time()
            others = self._tabs.others(annotator, tab, now)
            boxes = take_boxes(connection, image_id, annotator, count, keep,
                               self.num_points, now, others, near)
            self._tabs.take(annotator, tab,
                            [*keep, *(box['key'] for box in boxes)], now)
            for box in boxes:
                self._choose_points(connection, box)
            self.add_points(boxes, image)
            return boxes

        return self._writer.submit(job)

    def ask(self, which: asking.Which) -> Future:
        """Say which points are asked from now on
        (:func:`~pace_mmdet.annotate.asking.set_asked`).
        """

        def job(connection: sqlite3.Connection) -> None:
            asking.set_asked(connection, which)
            self.meta = read_meta(connection)

        return self._writer.submit(job)

    def _choose_points(self, connection: sqlite3.Connection,
                       box: dict) -> None:
        """Choose the points of a box that is handed out, if they are to be.
        """
        if self.meta['asked'] == 'uncertain':
            image = self.image(box['image'])
            box['points'], = points_of_boxes(
                [box], self.num_points, image.width, image.height,
                self.meta['seed'])
            asking.choose_uncertain(connection, box,
                                    self.models.opinion(image.id))

    def add_points(self, boxes: List[dict], image: ProjectImage) -> None:
        """Add their ``points`` to the states of an image's boxes.

        Those that a model proposed get ``thoughts`` too, as long as they
        have open points: what the model gives each point to be on the cell,
        None where it has no opinion.
        """
        points = points_of_boxes(boxes, self.num_points, image.width,
                                 image.height, self.meta['seed'])
        for box, pixels in zip(boxes, points):
            box['points'] = pixels
        proposed = [box for box in boxes if box['by'].startswith(changes.MODEL)
                    and None in box['labels']]
        thoughts = self.models.probabilities(image.id, proposed)
        for box, probs in zip(proposed, thoughts.tolist()):
            box['thoughts'] = [None if math.isnan(p) else round(p, 3)
                               for p in probs]

    def import_boxes(self, *paths: Union[str, Path]) -> List[str]:
        """Enter boxes (:func:`~pace_mmdet.annotate.importing.import_boxes`),
        of all files or of none.
        """

        def job(connection: sqlite3.Connection) -> List[str]:
            return [line for path in paths
                    for line in import_boxes(connection, path, self.images)]

        return self._writer.submit(job).result()

    def export(self, take_all: bool = False) -> Export:
        """What is complete, as a point COCO file
        (:func:`~pace_mmdet.annotate.exporting.export_points`).
        """
        return self.read(export_points, self.images, take_all)

    def efforts(self) -> List[Effort]:
        """What it took."""
        return self.read(measured_efforts)

    def write(self, job: Callable[..., Any], *args) -> Any:
        """Run a job that writes, and wait for its commit."""
        return self._writer.submit(
            lambda connection: job(connection, *args)).result()

    def read(self, query: Callable[..., Any], *args) -> Any:
        """Run a query on what is committed."""
        with self._reading:
            try:
                # Several statements that see one moment.
                self._reader.execute('BEGIN')
                try:
                    return query(self._reader, *args)
                finally:
                    if self._reader.in_transaction:
                        self._reader.execute('COMMIT')
            except sqlite3.Error as error:
                raise as_storage_error(error, self.path) from error
