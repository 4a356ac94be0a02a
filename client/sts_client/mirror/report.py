"""The report of a mirror's run: what has moved, what was left alone, and why."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issue:
    """A name that something is to be said about.

    Attributes:
        name: as in `Report`.
        reason: why it was left out, or what went wrong.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a run has done, or would do. Names are those below prefix and folder, sorted.

    Attributes:
        moved: names whose bytes have moved.
        replaced: those of them in whose place there was something that no earlier run had left: a
            file that was changed here, or, on the way up, an object that somebody else wrote.
        deleted: names that have gone.
        unchanged: how many were the same.
        moved_bytes: of all that moved.
        skipped: what is no file or no object of its own: links, folder markers.
        refused: objects whose names must not be files, and files whose names must not be keys.
        failed: what went wrong, one by one; the rest went on.
        dry_run: nothing of this was done.
    """

    moved: tuple[str, ...]
    replaced: tuple[str, ...]
    deleted: tuple[str, ...]
    unchanged: int
    moved_bytes: int
    skipped: tuple[Issue, ...]
    refused: tuple[Issue, ...]
    failed: tuple[Issue, ...]
    dry_run: bool

    @property
    def ok(self) -> bool:
        """Whether all that was asked for is so now: nothing was refused, nothing failed."""
        return not self.refused and not self.failed
