"""`[[callers.api_key]]`: one caller, and the digests of their keys."""

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, Strict, model_validator

from sts_server import shapes
from sts_server.settings.table import Names, Table


class KeyTable(Table):
    """One key: its digest alone, or `{ digest = "…", expires = 2027-01-01T00:00:00Z }`."""

    digest: Annotated[str, AfterValidator(shapes.digest)]
    expires: Annotated[AwareDatetime, Strict()] | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_digest(cls, value: object) -> object:
        return {"digest": value} if isinstance(value, str) else value


class ApiKeyTable(Table):
    """`[[callers.api_key]]`."""

    id: Annotated[str, AfterValidator(shapes.caller_id)]
    keys: Annotated[tuple[KeyTable, ...], AfterValidator(shapes.not_empty), Field(alias="sha256")]
    groups: Names = ()
