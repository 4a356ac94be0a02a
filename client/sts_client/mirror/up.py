"""The way up: what is below a prefix becomes what is in a folder."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from sts_client.errors import NoSuchKey, StsClientError, UsageError
from sts_client.mirror import manifest, names
from sts_client.mirror.ledger import Ledger
from sts_client.mirror.manifest import Manifest, Source
from sts_client.mirror.plan import Shown, Verdict, plan, staying
from sts_client.mirror.report import Report
from sts_client.mirror.sides import Below, objects_below, source_of
from sts_client.mirror.tree import Seen, Tree, opened
from sts_client.mirror.work import Work
from sts_client.objects import Head, Objects, check_key, guessed_type, operations, put_headers
from sts_client.transfer import Place, TransferSettings, upload_open

_EXISTS = "there is another object of this name, which must not be overwritten"


def upload_tree(
    objects: Objects,
    directory: str | os.PathLike[str],
    prefix: str,
    settings: TransferSettings,
    *,
    delete: bool,
    dry_run: bool,
    forbid_overwrite: bool,
    manifest_path: str | os.PathLike[str] | None,
    at_once: int,
) -> Report:
    """Make what is below a prefix what is in a folder; see `Bucket.upload_tree`."""
    source = source_of(objects, prefix)
    path = Path(directory)
    with opened(path, make=False) as tree:
        place = tree.top(names.MANIFEST)
        if manifest_path is not None:
            place = _place_of(manifest_path, path)
        known = manifest.read(place)
        # The listing first: an object that comes while we look here is not one that has no file.
        below = objects_below(objects, prefix, names.LONGEST)
        seen = tree.see()
        if delete and below.shown and all(names.is_ours(name) for name in seen.files):
            raise UsageError(
                f"no file is in {path}: delete would remove all objects below {prefix!r}, is "
                f"something not mounted?"
            )
        work = (settings, at_once)
        run = _Up(objects, source, tree, known, seen, below, work, only_create=forbid_overwrite)
        if dry_run:
            return run.rehearse(delete=delete)
        try:
            return run.run(delete=delete)
        finally:
            new = Manifest(source, run.ledger.records)
            if manifest_path is not None and new != known:
                manifest.write(place, new)


def _place_of(path: str | os.PathLike[str], directory: Path) -> Place:
    """Return where a manifest is; raises UsageError if it would be taken for one of the files."""
    place = Place.at(path)
    top = Path(os.path.realpath(directory))
    if place.path.is_relative_to(top) and place.path != top / names.MANIFEST:
        raise UsageError(
            f"a manifest inside the folder is called {names.MANIFEST} and is at its top: else it "
            f"would be uploaded"
        )
    return place


class _Up:
    """One run.

    Attributes:
        ledger: what it has done.
    """

    def __init__(
        self,
        objects: Objects,
        source: Source,
        tree: Tree,
        known: Manifest,
        seen: Seen,
        below: Below,
        work: tuple[TransferSettings, int],
        *,
        only_create: bool,
    ) -> None:
        self._objects = objects
        self._prefix = source.prefix
        self._tree = tree
        self._only_create = only_create
        self._shown = below.shown
        refused = dict(below.refused)
        self._found = {}
        for name, found in seen.files.items():
            if names.is_ours(name):
                continue
            if reason := _refusal_of(source.prefix, name):
                refused[name] = reason
            else:
                self._found[name] = found
        both = names.both_file_and_folder(below.shown)
        self._others = seen.others.keys()
        # A mirror would not have brought them down: that they are not here says nothing.
        self._lasting = {*refused, *(name for name in both if name not in self._found)}
        skipped = {**seen.others, **dict.fromkeys(below.markers, "a folder marker")}
        records = known.records if known.source == source else {}
        self._before = {name: it for name, it in records.items() if name in self._found}
        self.ledger = Ledger(self._before, skipped, refused)
        self._work = Work(*work, self.ledger.fail)

    def run(self, *, delete: bool) -> Report:
        """Do it."""
        verdicts, doomed = self._plan(delete=delete)
        self._work.each(verdicts, lambda name: self._bring(name, verdicts[name]))
        for first in range(0, len(doomed), operations.MOST_KEYS):
            self._delete(doomed[first : first + operations.MOST_KEYS])
        return self.ledger.report(self._found, dry_run=False)

    def rehearse(self, *, delete: bool) -> Report:
        """Find out what there would be to do."""
        verdicts, doomed = self._plan(delete=delete)
        self.ledger.deleted += doomed

        def bring(name: str) -> None:
            if not self._is_same(name, verdicts[name]) and not self._is_forbidden(name):
                self._note(name, self._found[name].size)

        self._work.each(verdicts, bring)
        return self.ledger.report(self._found, dry_run=True)

    def _plan(self, *, delete: bool) -> tuple[Mapping[str, Verdict], list[str]]:
        extra = {name for name in self._shown if self._is_extra(name)} if delete else set()
        todo = plan(self._found.keys(), extra, self._shown, self._found, self.ledger.records)
        return todo.verdicts, [*todo.first, *todo.last]

    def _is_extra(self, name: str) -> bool:
        if name in self._found or name in self._lasting:
            return False
        # What a link stands for here was skipped, and is not missing.
        return not any(step in self._others for step in (name, *staying((name,))))

    def _delete(self, doomed: Sequence[str]) -> None:
        try:
            self._objects.run(operations.delete_many([self._prefix + name for name in doomed]))
        except StsClientError as error:
            for name in doomed:
                self.ledger.fail(name, error)
        else:
            self.ledger.deleted += doomed

    def _bring(self, name: str, verdict: Verdict) -> None:
        if self._is_same(name, verdict) or self._is_forbidden(name):
            return
        key = self._prefix + name
        headers = put_headers(forbid_overwrite=self._only_create, content_type=guessed_type(key))
        with self._tree.reading(name) as (handle, found):
            where = os.path.realpath(self._tree.path / name)
            settings = self._work.settings
            result = upload_open(self._objects, handle, where, key, headers, settings)
        self._note(name, found.size)
        self.ledger.remember(name, Shown(result.etag, found.size), found, result.crc64)

    def _is_same(self, name: str, verdict: Verdict) -> bool:
        """Say if an object is what its file is, be it that one has to read or to ask."""
        if verdict is Verdict.MOVE:
            return False
        shown = self._shown[name]
        if verdict is Verdict.READ:
            crc = self.ledger.records[name].crc64
        else:
            try:
                head = self._objects.run(operations.head(self._prefix + name, {}))
            except NoSuchKey:
                return False
            assert isinstance(head, Head)  # noqa: S101 - no condition asks for a 304
            shown, crc = Shown(head.etag, head.size), head.crc64
        found = self._tree.holds(name, shown.size, crc)
        if found is not None:
            self.ledger.remember(name, shown, found, crc)
        return found is not None

    def _is_forbidden(self, name: str) -> bool:
        if not self._only_create or name not in self._shown:
            return False
        self.ledger.failed[name] = _EXISTS
        return True

    def _note(self, name: str, size: int) -> None:
        shown, record = self._shown.get(name), self._before.get(name)
        stranger = shown is not None and (record is None or record.shown != shown)
        self.ledger.move(name, size, replaced=stranger)


def _refusal_of(prefix: str, name: str) -> str | None:
    if reason := names.refusal_of(name):
        return reason
    try:
        check_key(prefix + name)
    except UsageError as error:
        return str(error)
    return None
