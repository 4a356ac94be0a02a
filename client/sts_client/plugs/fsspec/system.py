"""The file system: looking, reading, writing, opened by options that go with a pickle."""

from collections.abc import Callable, Sequence
from typing import Any

from fsspec.compression import compr
from fsspec.core import get_compression

from sts_client.credentials import Style
from sts_client.errors import UsageError
from sts_client.plugs.fsspec.failures import as_os_errors
from sts_client.plugs.fsspec.opening import OPENINGS, Wanted
from sts_client.plugs.fsspec.reading import ReadFile
from sts_client.plugs.fsspec.renaming import Renaming
from sts_client.plugs.fsspec.wrapping import PackedFile, TextFile
from sts_client.plugs.fsspec.writing import WriteFile
from sts_client.source import TokenFile, TokenVariable

_FSSPECS_OWN = frozenset({"asynchronous", "batch_size", "loop", "use_listings_cache"})
"""Options that programs give to any file system, and that mean nothing to this one."""


class OssStsFileSystem(Renaming):
    """A bucket as a file system: ``oss-sts://bucket/key``; the leases are shared by all threads.

    With a pickle go these options, and no secret; another process has leases of its own. That is
    why a token that is a text is refused.

    Args:
        server: address of the vending server, or several.
        grant: name of a right in its configuration.
        token: a function that returns the bearer token; `TokenFile` and `TokenVariable` are such.
        token_file: or a file that it is in,
        token_variable: or an environment variable.
        prefix: asks for less than the grant; so do `actions` and `duration` (seconds).
        actions: some of ``get``, ``put``, ``list``, ``delete``.
        duration: seconds that leases should live.
        endpoint: reaches OSS here and not where the lease says.
        style: addresses the bucket so and not as the lease says.
        allow_http: accept ``http://`` to other machines, which shows secrets to the network.
        disk_cache: a folder in which the processes of one machine share their leases.
        identity: who asks; needed for `disk_cache`.
        options: none but those that `fsspec` has for all file systems.

    Raises:
        UsageError: an option is missing, unknown, or cannot be right.
    """

    protocol = "oss-sts"
    # Not by fsspec: it tells instances apart by how their options look as text.
    cachable = False

    def __init__(  # noqa: PLR0913 - each is an option of its own
        self,
        server: str | Sequence[str] | None = None,
        grant: str | None = None,
        *,
        token: Callable[[], str] | None = None,
        token_file: str | None = None,
        token_variable: str | None = None,
        prefix: str | None = None,
        actions: Sequence[str] | None = None,
        duration: int | None = None,
        endpoint: str | None = None,
        style: Style | None = None,
        allow_http: bool = False,
        disk_cache: str | None = None,
        identity: str | None = None,
        **options: Any,
    ) -> None:
        if unknown := sorted(set(options) - _FSSPECS_OWN):
            raise UsageError(f"unknown storage options: {', '.join(unknown)}")
        if server is None or grant is None:
            raise UsageError("storage options must name a server and a grant")
        super().__init__(use_listings_cache=False)
        if isinstance(actions, str):
            raise UsageError("actions are a list such as ['get', 'put'], not one text")
        wanted = Wanted(
            server=(server,) if isinstance(server, str) else tuple(server),
            grant=grant,
            token=_token(token, token_file, token_variable),
            prefix=prefix,
            actions=None if actions is None else tuple(actions),
            duration=duration,
            endpoint=endpoint,
            style=style,
            allow_http=allow_http,
            disk_cache=disk_cache,
            identity=identity,
        )
        opened = OPENINGS.open(wanted)
        self.bucket = opened.bucket
        self._objects = opened.objects

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.bucket!r})"

    def open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        """Open a file: read it (``r``), write it (``w``), or create it and never overwrite (``x``).

        Text unless the mode has a ``b``, as everywhere. Options of a file that is written:
        `forbid_overwrite`, `content_type` and `metadata`.
        """
        if "r" in mode:
            return super().open(path, mode, **options)
        if "b" not in mode:
            text = {name: options.pop(name, None) for name in ("encoding", "errors", "newline")}
            return TextFile(self.open(path, f"{mode.replace('t', '')}b", **options), **text)
        kind = get_compression(path, options.pop("compression", None))
        file = super().open(path, mode, **options)
        return file if kind is None else PackedFile(compr[kind](file, mode=mode[0]), file)

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        options["cache_options"] = cache_options
        if mode == "rb":
            return ReadFile(self, path, block_size=block_size, **options)
        if mode not in {"wb", "xb"}:
            raise NotImplementedError(f"mode {mode!r}: a file is read, written or created whole")
        with as_os_errors(path):
            key = self._reach().key_of(path)
        if mode == "xb":
            self._refuse_existing(path)
            options["forbid_overwrite"] = True
        return WriteFile(
            self,
            path,
            objects=self._objects,
            key=key,
            block_size=block_size,
            autocommit=autocommit,
            **options,
        )

    def _refuse_existing(self, path: str) -> None:
        """Say early what would be said in the end, and then for certain."""
        try:
            there = self.isfile(path)
        except PermissionError:
            return  # whoever may write need not be able to look
        if there:
            raise FileExistsError(path)


class OssFileSystem(OssStsFileSystem):
    """The same for paths ``oss://bucket/key``, in place of ossfs; see `register`."""

    protocol = "oss"


def _token(token: object, token_file: str | None, token_variable: str | None) -> Callable[[], str]:
    given = [each for each in (token, token_file, token_variable) if each is not None]
    if len(given) != 1:
        raise UsageError("give one of token_file, token_variable and token")
    if token_file is not None:
        return TokenFile(str(token_file))
    if token_variable is not None:
        return TokenVariable(token_variable)
    if not callable(token):
        raise UsageError(
            "a token that is a text would go with each pickle of this file system: give "
            "token_file, token_variable, or as token a function that returns it"
        )
    found: Callable[[], str] = token
    return found
