"""A signed URL: one request that somebody without keys may make, until it ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sts_client.signing import Query, encode

LONGEST_LIFE = 7 * 24 * 3600
"""Seconds ("Include a V4 signature in a URL")."""


def saved_as(name: str | None) -> Query:
    """Return the query that makes a browser keep an answer under a name; None is no wish.

    A Content-Disposition of RFC 6266, section 4, with the name in RFC 8187's form.
    """
    if name is None:
        return ()
    return (("response-content-disposition", f"attachment; filename*=UTF-8''{encode(name)}"),)


@dataclass(frozen=True, slots=True)
class SignedUrl:
    """A URL that carries a signature. Whoever has it may do what it says, so `repr` hides it.

    Attributes:
        url: with the security token in it.
        method: to be used.
        headers: to be sent exactly so, and no other that OSS reads: they are signed too.
        expires: from when on OSS refuses it, at the latest; aware.
    """

    url: str = field(repr=False)
    method: str
    headers: Mapping[str, str]
    expires: datetime
