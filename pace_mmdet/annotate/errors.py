"""What can go wrong while annotating, each with its answer to the page."""
from pace_mmdet.errors import UserError


class AnnotateError(UserError):
    """A fault that is told to whoever caused it.

    Attributes:
        status (int): HTTP status of the answer.
    """
    status = 400


class ProjectError(AnnotateError):
    """The project's file, folder or port cannot be used.

    While the page is served, nothing was saved: what was sent may be sent
    again when the file is there again.
    """
    status = 500


class ChangeRefused(AnnotateError):
    """A change that cannot be made; the others of its batch can.

    It is final: sent again, it would be refused again.
    """
    status = 409


class NotFound(AnnotateError):
    """There is no such image, box or tile, or no time measured yet."""
    status = 404


class StorageError(AnnotateError):
    """Nothing was saved; the same may be sent again later."""
    status = 507


class TooSlow(AnnotateError):
    """What was announced did not arrive."""
    status = 408


class BodyTooLarge(AnnotateError):
    """More was sent than is taken."""
    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(f'the request is larger than {limit} bytes')
