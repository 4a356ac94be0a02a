"""A call: one request on the bucket, before it is addressed and signed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sts_client.objects.payload import Payload
from sts_client.signing import Query

OK = 200
NO_CONTENT = 204
PARTIAL = 206
NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        method: in capitals.
        key: the object's name, not encoded; "" for the bucket.
        success: the statuses that are no refusal.
        query: not encoded.
        headers: without those of the signature.
        payload: the body, or None.
        repeatable: whether it may be sent again when nobody knows if the first one took effect.
    """

    method: str
    key: str
    success: frozenset[int] = frozenset({OK})
    query: Query = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    payload: Payload | None = None
    repeatable: bool = True

    def __str__(self) -> str:
        return f"{self.method} {self.key!r}" if self.key else f"{self.method} of the listing"
