"""`[[grants]]`: the rights, and who holds them."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, StrictBool, StrictInt, model_validator

from sts_server import shapes
from sts_server.prefix import is_folder
from sts_server.scope import LONGEST, SHORTEST, Action, Grant
from sts_server.settings.table import Names, Table

_Name = Annotated[
    str, shapes.shaped(r"[a-z0-9][a-z0-9_-]{0,63}", "1-64 lower-case letters, digits, - or _")
]


class WhoTable(Table):
    """`who`: the callers of a grant, by id or by group."""

    callers: Names = ()
    groups: Names = ()

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not self.callers and not self.groups:
            raise ValueError(
                'names nobody: say callers = ["*"], callers = ["alice"] or groups = ["staff"]'
            )
        return self


class GrantTable(Table):
    """`[[grants]]`: a right, and who holds it."""

    name: _Name
    prefix: Annotated[str, AfterValidator(shapes.template)] | None = None
    whole_bucket: StrictBool = False
    actions: Annotated[
        tuple[Action, ...], AfterValidator(shapes.not_empty), AfterValidator(shapes.no_repeats)
    ]
    who: WhoTable
    duration: Annotated[StrictInt, Field(ge=SHORTEST, le=LONGEST)] = 3600

    @model_validator(mode="after")
    def _reaches_one_place(self) -> Self:
        if self.prefix is None and not self.whole_bucket:
            raise ValueError("prefix is missing; whole_bucket = true would give the whole bucket")
        if self.prefix is not None and self.whole_bucket:
            raise ValueError("says both prefix and whole_bucket; keep one")
        if "list" in self.actions and not is_folder(self.prefix or ""):
            raise ValueError("prefix names one exact object, which cannot be listed; end it in '/'")
        return self

    @property
    def grant(self) -> Grant:
        """The same as a value of the ground floor."""
        return Grant(
            name=self.name,
            prefix=self.prefix or "",
            actions=self.actions,
            callers=frozenset(self.who.callers),
            groups=frozenset(self.who.groups),
            duration=self.duration,
        )


def one_of_each(grants: tuple[GrantTable, ...]) -> tuple[GrantTable, ...]:
    """Take at least one grant, each with a name of its own."""
    if not grants:
        raise ValueError("is empty: nobody could be given anything")
    if len({grant.name for grant in grants}) < len(grants):
        raise ValueError("two grants have the same name")
    return grants
