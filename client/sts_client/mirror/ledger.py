"""The ledger of a run: what its threads have done, and what is known for the next run."""

from collections.abc import Iterable, Mapping
from threading import Lock

from sts_client.mirror.plan import Found, Record, Shown
from sts_client.mirror.report import Issue, Report


class Ledger:
    """What a run has done; safe to share between threads.

    Attributes:
        records: what is known of objects and files that are the same.
        deleted: names that have gone.
        skipped: names that were passed over, each with the reason.
        refused: names that nothing was done about, each with the reason.
        failed: what went wrong, by name.
    """

    def __init__(
        self,
        records: Mapping[str, Record],
        skipped: Mapping[str, str],
        refused: Mapping[str, str],
    ) -> None:
        self.records = dict(records)
        self.deleted: list[str] = []
        self.skipped = skipped
        self.refused = refused
        self.failed: dict[str, str] = {}
        self._lock = Lock()
        self._moved: dict[str, int] = {}
        self._replaced: list[str] = []

    def move(self, name: str, size: int, *, replaced: bool) -> None:
        """Note that so many bytes have moved; in the place of what nobody here knew?"""
        with self._lock:
            self._moved[name] = size
            if replaced:
                self._replaced.append(name)

    def fail(self, name: str, error: Exception) -> None:
        """Note what went wrong with one."""
        text = error.strerror if isinstance(error, OSError) else str(error)
        self.failed[name] = text or type(error).__name__

    def remember(self, name: str, shown: Shown, found: Found, crc: int | None) -> None:
        """Note that an object and a file are the same."""
        with self._lock:
            self.records[name] = Record(shown, found, crc)

    def report(self, wanted: Iterable[str], *, dry_run: bool) -> Report:
        """Sum it up; `wanted` are the names that should be the same now."""
        unchanged = set(wanted) - self._moved.keys() - self.failed.keys()
        return Report(
            moved=tuple(sorted(self._moved)),
            replaced=tuple(sorted(self._replaced)),
            deleted=tuple(sorted(self.deleted)),
            unchanged=len(unchanged),
            moved_bytes=sum(self._moved.values()),
            skipped=_issues(self.skipped),
            refused=_issues(self.refused),
            failed=_issues(self.failed),
            dry_run=dry_run,
        )


def _issues(reasons: Mapping[str, str]) -> tuple[Issue, ...]:
    return tuple(Issue(name, reason) for name, reason in sorted(reasons.items()))
