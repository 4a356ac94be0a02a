"""The disk cache: one lease for many processes of one user on one machine, in a file of theirs.

Command lines that live for a second, and workers that start by the dozen, share a lease this way:
one of them fetches while the others wait at a lock. Nothing is kept for which no identity was told:
from a token one cannot see whose it is.
"""

import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sts_client.credentials import Credentials, Lease, LeaseSource
from sts_client.errors import StsClientError
from sts_client.freshness import Freshness, judge
from sts_client.private_folder import open_private, prepare

_WHAT = "disk cache"
_VERSION = 1
_LARGEST = 64 * 1024  # bytes; a lease has about two thousand
_TEXTS = ("bucket", "region", "endpoint", "style", "prefix", "request_id")


class DiskCache:
    """A source of leases that looks into a folder before it asks the one behind it.

    The folder is made for its owner alone. One that others can look into, or that is not ours, is
    refused; so is such a file in it. A file that is damaged is fetched anew.

    Args:
        source: asked where the folder has no fresh lease.
        folder: made if it is not there.
        key: all that decides which lease it is: the servers, the wish, and whose it is.
        clock: returns seconds since the epoch.

    Raises:
        UsageError: the folder cannot be made, or is open to others.
    """

    def __init__(
        self,
        source: LeaseSource,
        folder: str | Path,
        key: tuple[object, ...],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._folder = Path(folder)
        self._key = key
        self._clock = clock
        # Whoever comes back while it is fresh has found a clock wrong: so may its offset be.
        self._given: Lease | None = None
        name = hashlib.sha256(json.dumps(key, default=str).encode()).hexdigest()[:32]
        self._path = self._folder / f"{name}.lease"
        self._lock = self._folder / f"{name}.lock"
        prepare(self._folder, _WHAT)

    def __repr__(self) -> str:
        return f"DiskCache({self._source!r}, {str(self._folder)!r})"

    def __reduce__(self) -> tuple[type["DiskCache"], tuple[object, ...]]:
        return DiskCache, (self._source, self._folder, self._key)

    def fetch(self, *, refused: str | None = None) -> Lease:
        """Return the lease of the folder if it is fresh and not the refused one, else a new one.

        Raises:
            UsageError: the folder's files are open to others, or cannot be written.
            StsClientError: the source has none, and neither has the folder.
        """
        with self._alone():
            kept = self._read()
            if kept is not None and kept.credentials.access_key_id == refused:
                kept = None
            state = self._state(kept)
            if kept is not None and state is Freshness.FRESH and kept != self._given:
                self._given = kept
                return kept
            try:
                lease = self._source.fetch(refused=refused)
            except StsClientError:
                if kept is None or state is Freshness.DEAD:
                    raise
                return kept
            self._write(lease)
            self._given = lease
            return lease

    def _state(self, lease: Lease | None) -> Freshness:
        if lease is None:
            return Freshness.DEAD
        now = self._clock() + lease.offset
        return judge(now, lease.issued, lease.refresh_after, lease.expiry)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes, and other threads of this one, out of the folder's lease."""
        prepare(self._folder, _WHAT)
        handle = open_private(self._lock, os.O_RDWR | os.O_CREAT, _WHAT)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            # By name: a forked child may hold a copy, which closing ours would leave locked.
            fcntl.flock(handle, fcntl.LOCK_UN)
            os.close(handle)

    def _read(self) -> Lease | None:
        try:
            handle = open_private(self._path, os.O_RDONLY, _WHAT)
        except FileNotFoundError:
            return None
        with os.fdopen(handle, "rb") as file:
            text = file.read(_LARGEST)
        with suppress(AttributeError, KeyError, RecursionError, TypeError, ValueError):
            return _lease_of(json.loads(text))
        return None

    def _write(self, lease: Lease) -> None:
        part = self._folder / f".{secrets.token_hex(8)}.part"
        try:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w") as file:
                json.dump({"version": _VERSION, "lease": asdict(lease)}, file)
            part.replace(self._path)
        except OSError:
            # A full disk costs the next process a fetch, and this one nothing.
            part.unlink(missing_ok=True)


def _lease_of(document: Any) -> Lease:
    """Read a lease; raises ValueError, TypeError or KeyError for what is none."""
    if document["version"] != _VERSION:
        raise ValueError
    fields = dict(document["lease"])
    credentials = fields.pop("credentials")
    actions = fields.pop("actions")
    texts = (*credentials.values(), *actions, *(fields.pop(name) for name in _TEXTS))
    moments = (fields["issued"], fields["expiry"], fields["offset"], fields["refresh_after"] or 0)
    if not isinstance(actions, list) or not all(isinstance(text, str) for text in texts):
        raise TypeError
    if not all(isinstance(moment, int | float) for moment in moments):
        raise TypeError
    return Lease(
        **{
            **document["lease"],
            "credentials": Credentials(**credentials),
            "actions": tuple(actions),
        }
    )
