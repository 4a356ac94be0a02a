"""The way down: a folder becomes what is below a prefix."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sts_client.errors import ObjectChanged, UsageError
from sts_client.mirror import manifest, names
from sts_client.mirror.ledger import Ledger
from sts_client.mirror.manifest import Manifest, Source
from sts_client.mirror.plan import Shown, Verdict, blocked, plan, staying
from sts_client.mirror.report import Report
from sts_client.mirror.sides import Below, objects_below, source_of
from sts_client.mirror.tree import Seen, Tree, found_of, opened
from sts_client.mirror.work import Work
from sts_client.objects import Head, Objects, operations
from sts_client.transfer import Landed, Place, TransferSettings, fetch, fetch_version

_BOTH = "there are objects below it: it cannot be a file and a folder"
_CLASH = "another name differs from it in nothing that this folder tells apart"


def mirror(
    objects: Objects,
    prefix: str,
    directory: str | os.PathLike[str],
    settings: TransferSettings,
    *,
    delete: bool,
    dry_run: bool,
    at_once: int,
) -> Report:
    """Make a folder what is below a prefix; see `Bucket.mirror`."""
    source = source_of(objects, prefix)
    with _tree(Path(directory), dry_run=dry_run) as tree:
        known, seen, longest = manifest.NOTHING, Seen({}, [], {}), names.LONGEST
        if tree is not None:
            known = manifest.read(tree.top(names.MANIFEST))
            # Looked at before the listing: what came here meanwhile is nobody's to delete.
            seen, longest = tree.see(), tree.longest
        below = objects_below(objects, prefix, longest)
        if delete:
            _expect_meant(known, source, below, seen)
        run = _Down(objects, source, tree, known, seen, below, settings, at_once)
        if dry_run or tree is None:
            return run.rehearse(delete=delete)
        try:
            return run.run(delete=delete)
        finally:
            new = Manifest(source, run.ledger.records)
            if new != known:
                manifest.write(tree.top(names.MANIFEST), new)


@contextmanager
def _tree(path: Path, *, dry_run: bool) -> Iterator[Tree | None]:
    if dry_run and not path.exists():
        yield None
        return
    with opened(path, make=not dry_run) as tree:
        if not dry_run:
            tree.lock()
        yield tree


def _expect_meant(known: Manifest, source: Source, below: Below, seen: Seen) -> None:
    """Refuse to delete where somebody must have mistyped something."""
    if known.source is not None and known.source != source:
        raise UsageError(
            f"the folder mirrors {known.source.prefix!r} of {known.source.bucket}: before what is "
            f"not below {source.prefix!r} is deleted there, remove its {names.MANIFEST}"
        )
    theirs = any(not names.is_ours(name) for name in seen.files)
    if theirs and not (below.shown or below.refused or below.markers):
        raise UsageError(
            f"nothing is below {source.prefix!r}: delete would empty the folder, do it by hand"
        )


class _Down:
    """One run.

    Attributes:
        ledger: what it has done.
    """

    def __init__(
        self,
        objects: Objects,
        source: Source,
        tree: Tree | None,
        known: Manifest,
        seen: Seen,
        below: Below,
        settings: TransferSettings,
        at_once: int,
    ) -> None:
        self._objects = objects
        self._prefix = source.prefix
        self._tree = tree
        self._seen = seen
        # Without a folder nobody knows what it will tell apart: the worst is assumed.
        folds = (lambda _: True) if tree is None else tree.folds
        clashes = names.clashing(below.shown.keys(), folds)
        both = names.both_file_and_folder(below.shown)
        refused = {**below.refused, **dict.fromkeys(clashes, _CLASH), **dict.fromkeys(both, _BOTH)}
        self._shown = {name: it for name, it in below.shown.items() if name not in refused}
        self._kept = self._shown.keys() | refused.keys()
        spelled = names.respelled(seen.files, self._kept, folds)
        self._found = {spelled.get(name, name): it for name, it in seen.files.items()}
        skipped = {name: it for name, it in seen.others.items() if name not in self._shown}
        skipped |= dict.fromkeys(below.markers, "a folder marker")
        records = known.records if known.source == source else {}
        lasting = {name: it for name, it in records.items() if name in self._shown}
        self._before = lasting
        self.ledger = Ledger(lasting, skipped, refused)
        self._work = Work(settings, at_once, self.ledger.fail)

    def run(self, *, delete: bool) -> Report:
        """Do it."""
        verdicts, first, last = self._plan(delete=delete)
        tree = self._expect_tree()
        self._delete(first)
        if delete:
            tree.remove_empty(self._in_the_way())
        self._work.each(verdicts, lambda name: self._bring(name, verdicts[name]))
        self._delete(last)
        if delete:
            tree.remove_empty(self._seen.folders)
        return self.ledger.report(self._shown, dry_run=False)

    def rehearse(self, *, delete: bool) -> Report:
        """Find out what there would be to do."""
        verdicts, first, last = self._plan(delete=delete)
        self.ledger.deleted += [*first, *last]

        def bring(name: str) -> None:
            if not self._is_same(name, verdicts[name]):
                self._note(name, self._shown[name].size)

        self._work.each(verdicts, bring)
        return self.ledger.report(self._shown, dry_run=True)

    def _plan(self, *, delete: bool) -> tuple[dict[str, Verdict], tuple[str, ...], tuple[str, ...]]:
        extra = {name for name in self._found if name not in self._kept and not names.is_ours(name)}
        todo = plan(
            self._shown.keys(),
            extra if delete else (),
            self._shown,
            self._found,
            self.ledger.records,
        )
        files = self._found.keys() - set(todo.first)
        folders = staying((*files, *self._seen.others)) if delete else set(self._seen.folders)
        unable = blocked(self._shown, files, folders, self._seen.others)
        self.ledger.failed |= unable
        verdicts = {name: it for name, it in todo.verdicts.items() if name not in unable}
        return verdicts, todo.first, todo.last

    def _in_the_way(self) -> list[str]:
        """Return the folders that are where a file has to be."""
        return [
            name
            for name in self._seen.folders
            if name in self._shown or any(step in self._shown for step in staying((name,)))
        ]

    def _delete(self, doomed: tuple[str, ...]) -> None:
        tree = self._expect_tree()
        for name in doomed:
            try:
                tree.remove(name, self._found[name])
            except OSError as error:
                self.ledger.fail(name, error)
            else:
                self.ledger.deleted.append(name)

    def _bring(self, name: str, verdict: Verdict) -> None:
        if self._is_same(name, verdict):
            return
        shown = self._shown[name]
        with self._expect_tree().at(name, make=True) as place:
            there = place.found()
            if there is not None and not stat.S_ISREG(there.st_mode):
                raise OSError(errno.EEXIST, "no file is where it has to be", name)
            landed = self._landed(self._prefix + name, shown, place)
        head = landed.head
        self._note(name, head.size)
        self.ledger.remember(name, Shown(head.etag, head.size), found_of(landed.found), head.crc64)

    def _is_same(self, name: str, verdict: Verdict) -> bool:
        """Say if a file is what its object is, be it that one has to read or to ask."""
        if verdict is Verdict.MOVE:
            return False
        shown, crc = self._shown[name], None
        if verdict is Verdict.READ:
            crc = self.ledger.records[name].crc64
        else:
            head = self._head(self._prefix + name)
            shown, crc = Shown(head.etag, head.size), head.crc64
        found = self._expect_tree().holds(name, shown.size, crc)
        if found is not None:
            self.ledger.remember(name, shown, found, crc)
        return found is not None

    def _landed(self, key: str, shown: Shown, place: Place) -> Landed:
        settings = self._work.settings
        if shown.is_link:
            return fetch(self._objects, self._head(key), place, settings)
        try:
            return fetch_version(self._objects, key, shown.etag, shown.size, place, settings)
        except ObjectChanged:
            # There is a newer one than was listed: that is taken, if it stays long enough.
            return fetch(self._objects, self._head(key), place, settings)

    def _head(self, key: str) -> Head:
        head = self._objects.run(operations.head(key, {}))
        assert isinstance(head, Head)  # noqa: S101 - no condition asks for a 304
        return head

    def _note(self, name: str, size: int) -> None:
        found, record = self._found.get(name), self._before.get(name)
        stranger = found is not None and (record is None or record.found != found)
        self.ledger.move(name, size, replaced=stranger)

    def _expect_tree(self) -> Tree:
        assert self._tree is not None  # noqa: S101 - there is none only where nothing was found
        return self._tree
