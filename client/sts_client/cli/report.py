"""The report: what came of a command, in words, or in one JSON object a line for programs."""

import errno
import json
from dataclasses import dataclass
from typing import Any, Final

from sts_client.cli.exits import code_of
from sts_client.cli.streams import Streams
from sts_client.errors import StsClientError

_DETAILS: Final = ("status", "code", "ec", "request_id", "retry_after")


@dataclass(frozen=True, slots=True)
class Report:
    """Who is told what.

    Attributes:
        streams: where it is written.
        as_json: one JSON object a line, and not words.
        quiet: nothing but what was asked for and what went wrong.
    """

    streams: Streams
    as_json: bool = False
    quiet: bool = False

    def product(self, line: str, **fields: Any) -> None:
        """Say what was asked for: an entry of a listing, an address."""
        self.streams.say(_object(fields) if self.as_json else line)

    def done(self, line: str, *, aside: bool = False, **fields: Any) -> None:
        """Say what was done, unless that is not wanted.

        Args:
            line: for people.
            aside: standard output is an object's own bytes: say it beside them.
            fields: for programs.
        """
        if self.quiet and not self.as_json:
            return
        try:
            self.streams.say(_object(fields) if self.as_json else line, aside=aside)
        except OSError as error:
            # Who closed standard output before the start does not want to know.
            if error.errno != errno.EBADF:
                raise

    def error(self, error: StsClientError) -> None:
        """Say what went wrong, on standard error."""
        details = {name: getattr(error, name, None) for name in _DETAILS}
        self.wrong(type(error).__name__, str(error), code_of(error), **details)

    def wrong(self, kind: str, message: str, exit_code: int, **details: Any) -> None:
        """Say what went wrong where there is no error of ours to say it."""
        if not self.as_json:
            self.streams.complain(message)
            return
        known = {name: value for name, value in details.items() if value}
        fields = {"error": kind, "message": message, "exit": exit_code, **known}
        self.streams.complain(_object(fields), bare=True)


def _object(fields: dict[str, Any]) -> str:
    # ASCII: no terminal obeys it, and half a surrogate pair is written as what it is.
    return json.dumps(fields)
