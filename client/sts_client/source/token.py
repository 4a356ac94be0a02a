"""The bearer token: who asks. It is read anew for each lease, since it may have been replaced."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sts_client.errors import TokenUnavailable, UsageError

Token = str | Callable[[], str]
"""A bearer token, or a function that returns the present one and is called for each lease."""


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A token in a file, such as a Kubernetes service account's; goes with a pickle as a name."""

    path: str | Path

    def __call__(self) -> str:
        """Read the file."""
        try:
            return Path(self.path).read_text("ascii").strip()
        except (OSError, ValueError):
            # Neither its name nor what is in it: the name may be the token, put there by mistake.
            failure = UsageError("the token file cannot be read, or is no text")
        raise failure


@dataclass(frozen=True, slots=True)
class TokenVariable:
    """A token in an environment variable; goes with a pickle as a name."""

    name: str
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def __call__(self) -> str:
        """Read the variable."""
        token = self.environ.get(self.name, "")
        if not token:
            raise UsageError(f"the environment variable {self.name} is not set, or empty")
        return token

    def __reduce__(self) -> tuple[type["TokenVariable"], tuple[str]]:
        return TokenVariable, (self.name,)


def present(token: Token) -> str:
    """Return the token as it is now.

    Raises:
        UsageError: it is none, or its function says so.
        TokenUnavailable: its function failed otherwise.
    """
    if not callable(token):
        return checked(token)
    with blamed():
        found = token()
    return checked(found)


@contextmanager
def blamed() -> Iterator[None]:
    """Run a token's function; what it raises is `TokenUnavailable` or its own `UsageError`."""
    try:
        yield
    except UsageError:
        raise  # says itself what to do
    except Exception as error:
        raise TokenUnavailable(
            f"the token function raised {type(error).__name__}: see its cause"
        ) from error


def checked(token: object) -> str:
    """Return the token if it can be one; raises `UsageError` if not."""
    if not isinstance(token, str) or not token or not _is_header_text(token):
        raise UsageError("the bearer token must be a line of visible ASCII characters")
    return token


def refuse_secret(token: object) -> None:
    """Refuse to pickle a token that is a text; raises TypeError."""
    if isinstance(token, str):
        raise TypeError(
            "a token that is a text is a secret and is not pickled: give a TokenFile, a "
            "TokenVariable or a function, which the other process can call itself"
        )


def _is_header_text(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
