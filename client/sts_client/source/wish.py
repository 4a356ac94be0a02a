"""The wish: what a vending server is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from sts_client.errors import UsageError
from sts_client.source.origin import check_text


@dataclass(frozen=True, slots=True)
class Wish:
    """What to ask for. Everything but the grant only narrows what the grant gives.

    Attributes:
        grant: name of a right in the vending server's configuration.
        prefix: a folder ending in ``/`` or one exact object, or None for all of the grant.
        actions: some of ``get``, ``put``, ``list``, ``delete``, or None for all of the grant.
        duration: seconds the lease should live, or None for the grant's own.

    Raises:
        UsageError: no grant, actions that are no list, or what is no text.
    """

    grant: str
    prefix: str | None = None
    actions: Sequence[str] | None = None
    duration: int | None = None

    def __post_init__(self) -> None:
        if not self.grant:
            raise UsageError("the grant has no name: ask the server's operator for one")
        if isinstance(self.actions, str):
            # Else it would be taken for the list of its letters.
            raise UsageError("actions are a list such as ['get', 'put'], not one text")
        for text in (self.grant, self.prefix or "", *(self.actions or ())):
            check_text(text, what="the wish")

    def query(self) -> dict[str, str]:
        """Return the parameters of the request."""
        found: dict[str, str] = {}
        if self.prefix is not None:
            found["prefix"] = self.prefix
        if self.actions is not None:
            found["actions"] = ",".join(self.actions)
        if self.duration is not None:
            found["duration"] = str(self.duration)
        return found
