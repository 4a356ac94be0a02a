"""`[callers.forwarded]`: a reverse proxy that says who is calling."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from sts_server import shapes
from sts_server.settings.table import IdPrefix, Table

_Header = Annotated[str, AfterValidator(shapes.header)]
_Network = Annotated[str, AfterValidator(shapes.network)]
_ClaimName = Annotated[str, Field(min_length=1, max_length=128)]


class ForwardedTable(Table):
    """`[callers.forwarded]`.

    Attributes:
        networks: where the proxy calls from.
        secret_file: what only the proxy knows besides us, one secret a line.
        claims: a claim's name, and the header that brings it.
    """

    networks: Annotated[tuple[_Network, ...], AfterValidator(shapes.not_empty)]
    secret_file: Annotated[str, Field(min_length=1)]
    id_header: _Header = "X-Forwarded-User"
    secret_header: _Header = "X-Forwarded-Secret"  # noqa: S105 - where it stands, not what it is
    groups_header: _Header | None = None
    claims: Mapping[_ClaimName, _Header] = Field(default_factory=dict)
    id_prefix: IdPrefix = ""

    @model_validator(mode="after")
    def _one_header_for_each(self) -> Self:
        names = [name.lower() for name in self.headers]
        if len(set(names)) < len(names):
            raise ValueError("one header would say two things; give each a name of its own")
        return self

    @property
    def headers(self) -> tuple[str, ...]:
        """Every header that the proxy speaks in."""
        groups = (self.groups_header,) if self.groups_header else ()
        return (self.id_header, self.secret_header, *groups, *self.claims.values())
