"""One call to a webhook: a token out, a verdict in, within a time and a size."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import certifi
import httpx

from sts_server.callers.webhook_answer import Unusable, Verdict, read
from sts_server.errors import ConfigError
from sts_server.settings.webhook import WebhookTable

LARGEST_ANSWER: Final = 64 * 1024
"""Bytes."""

AskWebhook = Callable[[str], Awaitable[Verdict]]
"""Asks whose a token is."""


def calling(table: WebhookTable, bearers: Callable[[], Sequence[str]] | None = None) -> AskWebhook:
    """Make what asks a webhook: `POST url`, with the token as a form or in the query.

    A connection for each call: answers are remembered, so there are few.

    Args:
        table: the settings.
        bearers: gives the bearer to show, as the first of them; by default none is shown.

    Raises:
        ConfigError: the file of certificates cannot be read.
    """
    # They write each URL to the log, and a token may be in it.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    trusted = _trusted(table.ca_file)

    async def ask(token: str) -> Verdict:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if bearers is not None:
            if not (shown := bearers()):
                return Unusable("auth_file cannot be used, so there is no bearer to show")
            headers["Authorization"] = f"Bearer {shown[0]}"
        form = {"token": token}
        try:
            # No proxy of the environment's, no redirect: a token goes where the settings say.
            async with (
                asyncio.timeout(table.timeout),
                httpx.AsyncClient(
                    verify=trusted, trust_env=False, follow_redirects=False, timeout=table.timeout
                ) as client,
                client.stream(
                    "POST",
                    table.url,
                    headers=headers,
                    params=form if table.send_as == "query" else None,
                    data=form if table.send_as == "form" else None,
                ) as answer,
            ):
                body = await _body(answer)
        except TimeoutError:
            return Unusable(f"no answer in {table.timeout:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            # Its text may hold the URL, so only the kind of error goes on.
            return Unusable(f"no answer: {type(error).__name__}")
        if body is None:
            return Unusable(f"an answer of more than {LARGEST_ANSWER} bytes")
        return read(
            answer.status_code,
            body,
            token=token,
            claims=table.claims,
            groups_claim=table.groups_claim,
        )

    return ask


async def _body(answer: httpx.Response) -> bytes | None:
    """Read a body as it comes, unpacking nothing; None if it is too large."""
    body = bytearray()
    async for part in answer.aiter_raw():
        body += part
        if len(body) > LARGEST_ANSWER:
            return None
    return bytes(body)


def _trusted(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or certifi.where())
    except OSError as error:
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigError([f"callers.webhook.ca_file: {ca_file}: cannot be used: {why}"]) from None
