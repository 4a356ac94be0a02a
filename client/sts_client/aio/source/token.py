"""The bearer token where a function that returns it may be one to wait for."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable, iscoroutinefunction

from sts_client.aio.threads import in_thread
from sts_client.source import Token, blamed, checked

AsyncToken = Token | Callable[[], Awaitable[str]]
"""A bearer token, or a function, async or not, that returns the present one."""


async def present(token: AsyncToken) -> str:
    """Return the token as it is now; a function that is not async is called in a thread.

    Raises:
        UsageError: it is none, or its function says so.
        TokenUnavailable: its function failed otherwise.
    """
    if not callable(token):
        return checked(token)
    with blamed():
        found: object = token() if waits(token) else await in_thread(token)
        if isawaitable(found):
            found = await found
    return checked(found)


def waits(token: object) -> bool:
    """Return whether a token's function is async: calling it blocks nobody."""
    return iscoroutinefunction(token) or iscoroutinefunction(getattr(token, "__call__", None))  # noqa: B004 - of an object with an async __call__
