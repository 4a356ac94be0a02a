"""What goes wrong, as the `OSError` that users of file systems catch; ours is its cause."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from sts_client import errors

_NUMBERS: tuple[tuple[type[errors.StsClientError], int], ...] = (
    (errors.NoSuchKey, errno.ENOENT),
    (errors.NoSuchBucket, errno.ENOENT),
    (errors.FileAlreadyExists, errno.EEXIST),
    (errors.AccessDenied, errno.EACCES),
    (errors.GrantDenied, errno.EACCES),
    (errors.Unauthenticated, errno.EACCES),
    (errors.PreconditionFailed, errno.ESTALE),
    (errors.TimedOut, errno.ETIMEDOUT),
)


@contextmanager
def as_os_errors(path: str) -> Iterator[None]:
    """Turn errors of ours into `FileNotFoundError`, `PermissionError` and their like.

    ``errno.ESTALE`` says that a file changed while it was read. An argument that cannot be right
    stays a `UsageError`, which is a `ValueError`.

    Args:
        path: what was worked on, for the error.
    """
    try:
        yield
    except errors.UsageError:
        raise
    except errors.StsClientError as error:
        number = next((found for kind, found in _NUMBERS if isinstance(error, kind)), errno.EIO)
        raise OSError(number, str(error), path) from error
