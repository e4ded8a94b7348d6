"""The models of a project: trained, asked for proposals, segmenting.

Whatever takes long is a :class:`~pace_mmdet.annotate.jobs.Job`; here they are
started and watched. All that is known of them is in the project's file and in
the folder beside it, so that a server that comes later goes on where this one
was.
"""
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Dict, List, Optional, Sequence, Tuple

import msgspec
import numpy as np

from pace_mmdet.files import write_atomically
from pace_mmdet.masks.corrections import Corrections, correct, free_places

from . import rounds
from .errors import ChangeRefused, NotFound
from .exporting import Export
from .folder import resolve
from .jobs import Job
from .proposals import Opinion, cell_probabilities, read_found, read_opinion
from .training import (image_aside, outcome_of, read_progress, set_aside,
                       write_round)

if TYPE_CHECKING:
    from .project import Project

PROPOSE = ('pace_mmdet.commands.propose', )
_LOOK_EVERY = 1.0


class Models:
    """The models of an open project.

    All methods may be called from any thread.

    Args:
        project (Project): The project.
    """

    def __init__(self, project: 'Project') -> None:
        self._project = project
        self.folder = rounds.models_folder(project.path)
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._watcher: Optional[threading.Thread] = None
        if self._running(self.known_rounds()):
            self._watch()

    def close(self) -> None:
        """Watch no longer. What runs goes on."""
        self._closing.set()
        if self._watcher is not None:
            self._watcher.join()

    def known_rounds(self) -> List[dict]:
        """:func:`~pace_mmdet.annotate.rounds.list_rounds`."""
        return self._project.read(rounds.list_rounds)

    def status(self) -> dict:
        """How all stands, for the page.

        Returns:
            dict: ``rounds``, the last of which has ``progress`` and, if it
            failed, ``error``; ``model``: the number of the one that
            proposes, or None; ``compared``: the numbers of those whose scores
            can be compared with the latest one's; ``proposing``: how far that
            is; ``annotated``: what could be trained on; ``iterations``, the
            usual number.
        """
        with self._lock:
            self._look()
            known = self.known_rounds()
        if known:
            last = known[-1]
            folder = self._folder(last['id'])
            last['progress'] = read_progress(
                folder, last['settings']['iterations'])
            if last['state'] == 'failed':
                last['error'] = Job(folder).last_lines()
        model = rounds.best_round(known)
        return dict(
            rounds=known,
            model=model and model['id'],
            compared=[row['id'] for row in rounds.compared_rounds(known)],
            proposing=model and self._proposing(model['id']),
            annotated=self._annotated(known),
            iterations=rounds.DEFAULT_ITERATIONS)

    def train(self, wish: rounds.TrainBody) -> dict:
        """Start a round of training.

        Returns:
            dict: :meth:`status`.

        Raises:
            ChangeRefused: If one is running, or nothing is annotated.
            NotFound: If there is no model to start from.
        """
        with self._lock:
            self._look()
            known = self.known_rounds()
            start = rounds.round_to_start_from(known, wish.start)
            export = self._project.export()
            # Or say why not, before anything is entered.
            parts = set_aside(export, rounds.earlier_validations(known))
            settings = dict(
                iterations=wish.iterations, start=start and start['id'],
                images=len(export.images), boxes=len(export.annotations),
                **rounds.validation_settings(
                    *(part.images for part in parts), start))
            entered = self._project.write(
                rounds.enter_round, wish.request, wish.annotator, settings)
            if entered['is_new']:
                self._start(entered['id'], parts, wish.iterations, start)
        return self.status()

    def _start(self, number: int, parts: Tuple[Export, Export],
               iterations: int, start: Optional[dict]) -> None:
        folder = self._folder(number)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            command = write_round(
                folder, *parts, self._project.folder, iterations,
                start and self._folder(start['id']) /
                start['outcome']['checkpoint'])
            Job(folder).start([command])
        except BaseException:
            self._project.write(rounds.set_round, number, 'failed')
            raise
        self._watch()

    def stop(self) -> dict:
        """Stop the round that is being trained."""
        running = self._running(self.known_rounds())
        if running:
            Job(self._folder(running['id'])).stop()
        return self.status()

    def resume(self) -> dict:
        """Go on with the last round, if it was stopped.

        Raises:
            ChangeRefused: If it is running, or ended.
        """
        with self._lock:
            self._look()
            known = self.known_rounds()
            if not known or known[-1]['state'] in ('running', 'done'):
                raise ChangeRefused('there is no round that was stopped')
            number = known[-1]['id']
            job = Job(self._folder(number))
            command, = job.commands()
            job.start([command if '--resume' in command
                       else [*command, '--resume']])
            self._project.write(rounds.set_round, number, 'running')
            self._watch()
        return self.status()

    def want(self, image_id: int) -> None:
        """Have the proposals of an image found before those of others."""
        model = rounds.best_round(self.known_rounds())
        if model is None:
            return
        out = self._folder(model['id']) / 'proposals'
        out.mkdir(exist_ok=True)
        write_atomically(out / 'first', str(image_id))
        state = Job(out).state()
        if state == 'interrupted' or state == 'new':
            with self._lock:
                self._propose(model)

    def proposals(self, image_id: int) -> dict:
        """The model's cells on an image.

        Returns:
            dict: ``round``, its number, None without a model; ``pending``:
            whether they are still being found; ``cells``, best first, each
            with ``key``, ``box`` (x, y, width, height), ``score``,
            ``outline``, ``is_rejected`` (somebody said that it is none),
            ``is_free`` (nor has anybody drawn a box there), ``is_kept`` (it
            is the cell of a box, whatever its score) and ``is_dropped`` (it
            is none, as :func:`~pace_mmdet.masks.corrections.correct` has it);
            ``without``: boxes that no cell fits; ``error`` if it could not be
            segmented.
        """
        found, number = self._found(image_id)
        if found is None:
            if number is not None:
                self.want(image_id)
            return dict(round=number, pending=number is not None, cells=[])
        said = self.corrections(image_id)
        places = [cell.box for cell in found.cells]
        corrected = correct(places, said)
        columns = zip(
            free_places(places, said.boxes + said.rejected).tolist(),
            (~free_places(places, said.rejected)).tolist(),
            corrected.kept.tolist(), corrected.dropped.tolist())
        cells = [
            dict(key=f'r{number}-{image_id}-{index}', box=cell.box,
                 score=cell.score, outline=cell.outline, is_free=free,
                 is_rejected=rejected, is_kept=kept, is_dropped=dropped)
            for index, (cell, (free, rejected, kept, dropped)) in enumerate(
                zip(found.cells, columns))
        ]
        return dict(round=number, pending=False, cells=cells,
                    without=corrected.without, error=found.error)

    def corrections(self, image_id: int) -> Corrections:
        """The boxes of an image, and the places that were rejected."""
        return Corrections(*self._project.read(_taken_places, image_id))

    def probabilities(self, image_id: int, boxes: Sequence[dict]
                      ) -> np.ndarray:
        """What the model gives the points of boxes to be on them.

        Args:
            image_id (int): Their image.
            boxes (Sequence[dict]): M states with their ``points``.

        Returns:
            ndarray: Shape (M, P); NaN where it has no opinion.
        """
        points = np.array([box['points'] for box in boxes],
                          np.int64).reshape(
                              len(boxes), self._project.num_points, 2)
        return cell_probabilities(
            self.opinion(image_id) if boxes else None,
            [box['box'] for box in boxes], points)

    def opinion(self, image_id: int) -> Optional[Opinion]:
        """What the model thinks of an image's pixels, if there is one that
        has looked at it.
        """
        model = rounds.best_round(self.known_rounds())
        return model and read_opinion(
            self._folder(model['id']) / 'proposals', image_id)

    def _found(self, image_id: int) -> tuple:
        self._project.usable_image(image_id)
        model = rounds.best_round(self.known_rounds())
        if model is None:
            return None, None
        folder = self._folder(model['id']) / 'proposals'
        return read_found(folder, image_id), model['id']

    def checkpoint(self) -> Path:
        """The model that proposes.

        Raises:
            NotFound: If there is none.
        """
        model = rounds.best_round(self.known_rounds())
        if model is None:
            raise NotFound('there is no model yet: train one first')
        return self._folder(model['id']) / model['outcome']['checkpoint']

    def _folder(self, number: int) -> Path:
        return self.folder / f'round-{number}'

    @staticmethod
    def _running(known: List[dict]) -> Optional[dict]:
        return next((row for row in known if row['state'] == 'running'), None)

    def _look(self) -> None:
        """Note what has become of the round that was running."""
        row = self._running(self.known_rounds())
        if row is None:
            return
        folder = self._folder(row['id'])
        state = Job(folder).state()
        if state == 'running':
            return
        outcome = outcome_of(folder, row['settings']['iterations'])
        if state == 'new':  # killed before it was started
            state = 'failed'
        self._project.write(rounds.set_round, row['id'], state, outcome)
        best = rounds.best_round(self.known_rounds())
        if best and best['id'] == row['id']:
            self._propose(best)

    def _annotated(self, known: List[dict]) -> Dict[str, object]:
        """Images that are complete, at least in part, and their boxes;
        ``aside``: the one of several that will be set aside.
        """
        rows = [row for row in self._project.summary()['images']
                if row['complete'] and not row['problem']]
        return dict(
            images=len(rows), boxes=sum(row['boxes'] for row in rows),
            aside=image_aside([row['id'] for row in rows],
                              rounds.earlier_validations(known))
            if len(rows) > 1 else None)

    def _propose(self, model: dict) -> None:
        """Have the cells of all images found by a model."""
        folder = self._folder(model['id'])
        out = folder / 'proposals'
        out.mkdir(exist_ok=True)
        images = [
            dict(id=image.id,
                 path=str(resolve(self._project.folder, image.name)))
            for image in self._project.images.values() if not image.problem
        ]
        write_atomically(out / 'images.json', msgspec.json.encode(images))
        command = [*PROPOSE, str(out / 'images.json'), '--checkpoint',
                   str(folder / model['outcome']['checkpoint']), '--out-dir',
                   str(out)]
        for name in ('page', 'channel'):
            if self._project.meta[name] is not None:
                command += [f'--{name}', str(self._project.meta[name])]
        Job(out).start([command])

    def _proposing(self, number: int) -> Dict[str, object]:
        out = self._folder(number) / 'proposals'
        state = Job(out).state()
        done = sum(path.stem.isdigit() for path in out.glob('*.json'))
        return dict(
            state=state, done=done,
            images=sum(not image.problem
                       for image in self._project.images.values()),
            error=Job(out).last_lines() if state == 'failed' else '')

    def _watch(self) -> None:
        """See when a round ends, also if no page asks."""
        if self._watcher is None or not self._watcher.is_alive():
            self._watcher = threading.Thread(
                target=self._wait_for_end, name='models', daemon=True)
            self._watcher.start()

    def _wait_for_end(self) -> None:
        while not self._closing.wait(_LOOK_EVERY):
            with self._lock:
                self._look()
                if not self._running(self.known_rounds()):
                    return


def _taken_places(connection, image_id: int) -> Tuple[list, list]:
    """Boxes, and places that were rejected, each x, y, width, height."""
    return tuple(list(map(tuple, connection.execute(query, (image_id, ))))
                 for query in (
        '''SELECT x, y, r.width, r.height FROM boxes b JOIN revisions r
             ON r.box_id = b.id AND r.revision = b.revision
           WHERE image_id = ? AND NOT deleted''',
        '''SELECT x, y, width, height FROM rejections
           WHERE image_id = ? AND NOT undone'''))
