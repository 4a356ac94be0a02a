"""Moves files to other names: a copy each, and only then what was copied is deleted."""

from collections import Counter
from glob import has_magic
from typing import Any

from fsspec.utils import other_paths

from sts_client.plugs.fsspec.failures import as_os_errors
from sts_client.plugs.fsspec.moving import Moving
from sts_client.plugs.fsspec.reach import Reach

Moves = list[tuple[str, str]]
"""Paths, and those that they get; what only stands for a folder still ends in ``/``."""


class Renaming(Moving):
    """What OSS has no request for: it copies and deletes."""

    def mv(
        self,
        path1: Any,
        path2: Any,
        recursive: bool = False,
        maxdepth: int | None = None,
        **_options: Any,
    ) -> None:
        """Move files, with `recursive` all below them; targets are named as `copy` names them.

        A copy that fails is raised, and then nothing is deleted. The same path is moved by doing
        nothing; with two lists each path is a file, and gets the name at its place in the other.

        Raises:
            FileNotFoundError: there is nothing.
            ValueError: the target is below the source, or a move would overwrite another's file.
        """
        source, target = self._strip_protocol(path1), self._strip_protocol(path2)
        if source == target:
            return
        if isinstance(target, list):
            if not isinstance(source, list) or len(source) != len(target):
                raise ValueError("a list of targets goes with a list of as many sources")
            moves = list(zip(source, target, strict=True))
        else:
            moves = self._planned(path1, path2, recursive=recursive, maxdepth=maxdepth)
        self._move(_harmless(moves))

    def _planned(self, path1: Any, path2: Any, *, recursive: bool, maxdepth: int | None) -> Moves:
        """Return what is to be moved where, by the rules of fsspec's `copy`."""
        roots = self.expand_path(path1)
        if recursive and maxdepth is None:
            found = self._all_below(roots)
            names = sorted({*roots, *found})
        else:
            names = self.expand_path(path1, recursive=recursive, maxdepth=maxdepth)
            found = names = [name for name in names if not self.isdir(name)]
        target = self._strip_protocol(path2)
        one = not isinstance(path1, list | tuple | set)
        if one and has_magic(str(path1)):
            inside = len(names) == 1
        else:
            inside = one and not _ends(path1) and (_ends(path2) or self.isdir(target))
        aims = other_paths(names, target, exists=inside, flatten=not one) if names else []
        moves = dict(zip(names, aims, strict=True))
        for root in roots:
            aim = moves.get(root, target if recursive else "")
            if not root or aim.startswith(f"{root}/"):
                raise ValueError(f"{root!r} cannot be moved below itself, to {aim!r}")
        return [(name, moves[name]) for name in found]

    def _all_below(self, roots: list[str]) -> list[str]:
        found: dict[str, None] = {}
        for root in roots:
            with as_os_errors(root):
                reach = self._reach()
                below = [reach.path_of(entry.key) for entry in self._entries(root, reach)]
                if reach.key_of(root) and self.isfile(root):
                    below.append(root)
                if not below:
                    self.info(root)
                found.update(dict.fromkeys(below))
        return list(found)

    def _move(self, moves: Moves) -> None:
        # Not by cp_file: it takes what ends in "/" for a folder, of which nothing is copied.
        reach = self._reach_of(moves)
        copied = []
        for name, aim in moves:
            with as_os_errors(name):
                key = reach.key_of(name)
                self.bucket.copy(key, reach.key_of(aim))
                copied.append(key)
        if copied:
            with as_os_errors(moves[0][0]):
                self.bucket.delete_many(copied)

    def _reach_of(self, moves: Moves) -> Reach:
        """Return how far the lease reaches; before anything is copied all buckets are looked at."""
        with as_os_errors(""):
            reach = self._reach()
        for move in moves:
            for path in move:
                reach.key_of(path)
        return reach


def _ends(path: Any) -> bool:
    return str(path).endswith("/")


def _harmless(moves: Moves) -> Moves:
    """Return the moves that change a name, none of which may take the place of another's file."""
    moves = [(name, aim) for name, aim in moves if name != aim]
    taken = Counter(aim for _, aim in moves)
    taken.update({name for name, _ in moves})
    for _, aim in moves:
        if taken[aim] > 1:
            raise ValueError(f"more than one file of this move would be {aim!r}, or is it now")
    return moves
