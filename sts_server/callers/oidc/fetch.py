"""Fetches the keys of one issuer: from the address that it names, a given one, or a file."""

import asyncio
import json
import re
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import certifi
import httpx

from sts_server.callers.oidc.key_set import KeySet
from sts_server.errors import LoginUnavailable
from sts_server.settings.oidc import OidcTable
from sts_server.shapes import document_url, is_loopback

TIMEOUT: Final = 5
"""Seconds for all of one fetch."""
LARGEST: Final = 256 * 1024
"""Bytes of a document."""

_WELL_KNOWN = "/.well-known/openid-configuration"  # OpenID Connect Discovery 1.0, section 4
_OK = 200


async def fetch_keys(table: OidcTable, *, patience: float = TIMEOUT) -> KeySet:
    """Fetch the keys of an issuer as they are now. Files are read anew, too: they may rotate.

    Args:
        table: where they are.
        patience: seconds for all of it.

    Raises:
        LoginUnavailable: says why, for the log, and holds nothing of any answer.
    """
    try:
        async with asyncio.timeout(patience):
            if table.jwks_file is not None:
                text = await asyncio.to_thread(_text_of, table.jwks_file)
            else:
                text = await _Fetch(table).jwks()
    except TimeoutError:
        raise LoginUnavailable(f"no answer in {patience} seconds") from None
    try:
        return KeySet.of(text, table.algorithms)
    except ValueError as error:
        raise LoginUnavailable(str(error)) from None


def file_problems(table: OidcTable) -> Iterator[str]:
    """Read each file that a table names; give what is wrong, with its setting and its path."""

    def keys(path: str) -> None:
        try:
            KeySet.of(_text_of(path), table.algorithms)
        except ValueError as error:
            raise LoginUnavailable(f"{path}: {error}") from None

    trials: tuple[tuple[str, str | None, Callable[[str], object]], ...] = (
        ("jwks_file", table.jwks_file, keys),
        ("ca_file", table.ca_file, _trusted),
        ("bearer_file", table.bearer_file, _bearer_of),
    )
    for setting, path, use in trials:
        try:
            if path is not None:
                use(path)
        except LoginUnavailable as problem:
            yield f"{setting}: {problem.detail}"


class _Fetch:
    """One fetch, with the files that it needs."""

    def __init__(self, table: OidcTable) -> None:
        self._table = table

    async def jwks(self) -> str:
        """Give the text of the JWK set."""
        table = self._table
        if table.jwks_uri is not None:
            return await self._get(table.jwks_uri)
        try:
            document = json.loads(await self._get(table.issuer.rstrip("/") + _WELL_KNOWN))
        except (ValueError, RecursionError):
            raise LoginUnavailable("its discovery document is not JSON") from None
        if not isinstance(document, dict) or document.get("issuer") != table.issuer:
            # Section 4.3: else one issuer could speak for another.
            raise LoginUnavailable("its discovery document is another issuer's: compare `issuer`")
        return await self._get(self._shown(document.get("jwks_uri")))

    def _shown(self, uri: object) -> str:
        try:
            url = document_url(uri if isinstance(uri, str) else "")
        except ValueError as error:
            raise LoginUnavailable(f"jwks_uri in its discovery document {error}") from None
        if urlsplit(url).scheme != "https" and urlsplit(self._table.issuer).scheme == "https":
            raise LoginUnavailable("jwks_uri in its discovery document must be https")
        return url

    async def _get(self, url: str) -> str:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        context = await asyncio.to_thread(_trusted, self._table.ca_file)
        if self._table.bearer_file is not None and self._is_ours(url):
            bearer = await asyncio.to_thread(_bearer_of, self._table.bearer_file)
            headers["Authorization"] = f"Bearer {bearer}"
        # Proxies are for the way out, not for this machine.
        trust_env = not is_loopback(urlsplit(url).hostname or "")
        try:
            async with (
                httpx.AsyncClient(verify=context, trust_env=trust_env, timeout=TIMEOUT) as client,
                client.stream("GET", url, headers=headers) as answer,
            ):
                return await _body(answer)
        except LoginUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - such as a proxy that nothing here can speak to
            raise LoginUnavailable(f"{_host(url)}: {_kind(error)}") from None

    def _is_ours(self, url: str) -> bool:
        """Whether an address is one that the configuration names: no other is sent our token."""
        return _host(url) == _host(self._table.jwks_uri or self._table.issuer)


async def _body(answer: httpx.Response) -> str:
    host = _host(str(answer.url))
    if answer.status_code != _OK:
        # A redirect could lead anywhere, and is not followed.
        raise LoginUnavailable(f"{host}: answered {answer.status_code}")
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise LoginUnavailable(f"{host}: answered in an encoding that nobody asked for")
    body = bytearray()
    async for part in answer.aiter_raw():
        body += part
        if len(body) > LARGEST:
            raise LoginUnavailable(f"{host}: answered more than {LARGEST} bytes")
    return _decoded(body, host)


def _trusted(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or certifi.where())
    except OSError as error:
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise LoginUnavailable(f"{ca_file}: cannot be used: {why}") from None


def _text_of(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            body = file.read(LARGEST + 1)
    except OSError as error:
        raise LoginUnavailable(f"{path}: cannot be read: {error.strerror}") from None
    if len(body) > LARGEST:
        raise LoginUnavailable(f"{path}: is larger than {LARGEST} bytes")
    return _decoded(body, path)


def _decoded(body: bytes | bytearray, place: str) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise LoginUnavailable(f"{place}: is not UTF-8 text") from None


def _bearer_of(path: str) -> str:
    bearer = _text_of(path).strip()
    if not re.fullmatch(r"[!-~]+", bearer):
        raise LoginUnavailable(f"{path}: holds no token")
    return bearer


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _kind(error: Exception) -> str:
    """Say what went wrong without the text of an error, which may hold what a stranger sent."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "its certificate is not trusted, or is another host's"
    if isinstance(error, httpx.ConnectError):
        return "nobody answers there"
    return type(error).__name__
