"""The controls of a running sandbox, called from Python over its control listener."""

import http.client
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypedDict, Unpack
from urllib.parse import urlsplit

from sts_server.sandbox.errors import ControlError

CALL_SECONDS = 10.0


class Fault(TypedDict, total=False):
    """What `fault` takes. The first four choose requests; left out, they choose all.

    Of the rest one is needed; `latency` may stand beside another one.

    Attributes:
        service: Which side.
        operation: `PutObject`, `AssumeRole`, ...
        key: A pattern of object keys; `*` is any run of characters, `?` any one. A PostObject's
            is in its form and counts as empty: choose it by operation.
        nth: Only the nth request that fits, counted from 1.
        latency: Seconds to wait first, at most 60.
        status: HTTP status, 400 to 599, of an error that is answered instead of serving.
        code: Its error code.
        message: Its text, if a special one is wanted.
        cut: When the connection drops: before the request is looked at; inside its body, or in
            the middle of the answer where it has none; after it was served, without an answer.
        truncate: After how many bytes of the answer's body the connection drops.
        corrupt: Whose body gets one wrong byte.
        wrong_crc: The answer's CRC header lies.
        skew: Seconds that the server's clock is off when it judges the request's timestamp.
    """

    service: Literal["oss", "sts"]
    operation: str
    key: str
    nth: int
    latency: float
    status: int
    code: str
    message: str
    cut: Literal["before", "inside", "after"]
    truncate: int
    corrupt: Literal["request", "answer"]
    wrong_crc: Literal[True]
    skew: float


class Remote:
    """Control calls; each raises ControlError when it is refused or nobody answers.

    Attributes:
        control_endpoint: Where the control listener is.
        control_token: What it wants to see.
    """

    control_endpoint: str
    control_token: str

    def now(self) -> datetime:
        """Give the sandbox's virtual time, aware, in whole seconds."""
        return datetime.fromisoformat(self._call("GET", "/clock")["now"])

    def advance(self, seconds: float) -> datetime:
        """Push virtual time forward and give the new time.

        Args:
            seconds: How far.
        """
        answer = self._call("POST", "/clock", {"advance": seconds})
        return datetime.fromisoformat(answer["now"])

    def expire(self, access_key_id: str | None = None) -> int:
        """Let temporary keys expire now, and say how many did.

        Args:
            access_key_id: One key, or None for all that live.
        """
        wish = {} if access_key_id is None else {"access_key_id": access_key_id}
        expired = self._call("POST", "/expire", wish)["expired"]
        return int(expired)

    def requests(self) -> list[dict[str, Any]]:
        """List the requests seen lately, oldest first, without secrets."""
        requests: list[dict[str, Any]] = self._call("GET", "/requests")["requests"]
        return requests

    def clear_requests(self) -> None:
        """Forget the requests seen so far."""
        self._call("DELETE", "/requests")

    def revoke(self, access_key_id: str | None = None) -> int:
        """Make temporary keys unknown now, expired ones too, and say how many there were.

        Args:
            access_key_id: One key, or None for all.
        """
        wish = {} if access_key_id is None else {"access_key_id": access_key_id}
        return int(self._call("POST", "/revoke", wish)["revoked"])

    def reset(self) -> None:
        """Begin anew: the buckets of the start, empty; no sessions, faults, requests; real time."""
        self._call("POST", "/reset", {})

    def fault(self, **rule: Unpack[Fault]) -> int:
        """Let requests go wrong from now on, until the fault is cleared.

        Args:
            rule: Which requests, and what becomes of them: see `Fault`.

        Returns:
            Its number, for `clear_faults`.

        Raises:
            ControlError: The rule cannot be used; the text says why.
        """
        return int(self._call("POST", "/faults", rule)["id"])

    def faults(self) -> list[dict[str, Any]]:
        """List the faults, oldest first, with how many requests each has `fitted` and `struck`."""
        faults: list[dict[str, Any]] = self._call("GET", "/faults")["faults"]
        return faults

    def clear_faults(self, number: int | None = None) -> None:
        """Let requests go right again.

        Args:
            number: One fault, or None for all.
        """
        self._call("DELETE", "/faults", {} if number is None else {"id": number})

    def _call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        address = urlsplit(self.control_endpoint).netloc
        connection = http.client.HTTPConnection(address, timeout=CALL_SECONDS)
        headers = {"Authorization": f"Bearer {self.control_token}"}
        try:
            connection.request(
                method, path, json.dumps(body) if body is not None else None, headers
            )
            answer = connection.getresponse()
            text = answer.read()
        except OSError as error:
            raise ControlError(f"the control listener does not answer: {error}") from error
        finally:
            connection.close()
        members = json.loads(text) if text else {}
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise ControlError(f"{answer.status}: {members.get('error', '')}")
        return members
