"""One thread that writes, many changes to a commit."""
import queue
import sqlite3
import threading
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, List, Tuple, Union

from .schema import as_storage_error

Job = Callable[[sqlite3.Connection], Any]
# A commit waits for the disk, so all that came meanwhile share the next one.
_MAX_GROUP = 200


class Writer:
    """Runs jobs one after the other in transactions that reach the disk.

    Each job is atomic: it happens whole, or not at all if it raises. Its
    future is done after the commit that holds it.

    Args:
        connection (sqlite3.Connection): Only the writer uses it from now on;
            closed with it.
        path (str or Path): The file, for messages.
    """

    def __init__(self, connection: sqlite3.Connection,
                 path: Union[str, Path]) -> None:
        self._connection = connection
        self._path = path
        self._jobs: queue.SimpleQueue = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=self._run, name='writer', daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> Future:
        """Queue a job.

        Args:
            job (Callable): Gets the connection, within a transaction.

        Returns:
            Future: Gives what the job returned or raised, or a StorageError
            or ProjectError if it could not be committed.
        """
        future: Future = Future()
        self._jobs.put((job, future))
        return future

    def close(self) -> None:
        """Finish what is queued and close the file."""
        self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        going_on = True
        while going_on:
            group: List[Tuple[Job, Future]] = [self._jobs.get()]
            while len(group) < _MAX_GROUP:
                try:
                    group.append(self._jobs.get_nowait())
                except queue.Empty:
                    break
            going_on = None not in group
            self._commit([item for item in group if item is not None])

    def _commit(self, group: List[Tuple[Job, Future]]) -> None:
        # Who asked for the others has gone.
        group = [item for item in group
                 if item[1].set_running_or_notify_cancel()]
        if not group:
            return
        outcomes = []
        try:
            self._connection.execute('BEGIN IMMEDIATE')
            for job, _ in group:
                outcomes.append(self._attempt(job))
            self._connection.execute('COMMIT')
        except sqlite3.Error as error:
            # A damaged file may not even do that.
            with suppress(sqlite3.Error):
                if self._connection.in_transaction:
                    self._connection.execute('ROLLBACK')
            failure = as_storage_error(error, self._path)
            for _, future in group:
                future.set_exception(failure)
            return
        for (_, future), (value, error) in zip(group, outcomes):
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)

    def _attempt(self, job: Job) -> tuple:
        """What a job returned, or what it raised, undone then."""
        self._connection.execute('SAVEPOINT job')
        try:
            return job(self._connection), None
        except sqlite3.IntegrityError as error:
            self._connection.execute('ROLLBACK TO job')
            return None, error
        except sqlite3.DatabaseError:
            raise  # of the file, not of the job: nothing can be committed
        except Exception as error:
            self._connection.execute('ROLLBACK TO job')
            return None, error
        finally:
            if self._connection.in_transaction:
                self._connection.execute('RELEASE job')
