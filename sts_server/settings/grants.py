"""`[[grants]]`: the rights, and who holds them."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, StrictBool, StrictInt, model_validator

from sts_server import shapes
from sts_server.prefix import is_folder
from sts_server.scope import LONGEST, SHORTEST, Action, Grant
from sts_server.settings.table import Names, Table
from sts_server.template import CLAIM_NAME

_Name = Annotated[
    str, shapes.shaped(r"[a-z0-9][a-z0-9_-]{0,63}", "1-64 lower-case letters, digits, - or _")
]
_ClaimName = Annotated[
    str,
    shapes.shaped(CLAIM_NAME, "a claim's name: 1-128 letters, digits or _.:/-, no .:/- in front"),
]
_ClaimValues = Annotated[Names, AfterValidator(shapes.not_empty), AfterValidator(shapes.no_star)]


class WhoTable(Table):
    """`who`: the callers of a grant, by id, by group or by claim. Any of the three is enough.

    Attributes:
        claims: by name the values of which a caller has one; of several names all must hold.
    """

    callers: Names = ()
    groups: Annotated[Names, AfterValidator(shapes.no_star)] = ()
    claims: dict[_ClaimName, _ClaimValues] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not self.callers and not self.groups and not self.claims:
            raise ValueError(
                'names nobody: say callers = ["*"], callers = ["alice"], groups = ["staff"] or '
                'claims = { team = ["a"] }'
            )
        if "*" in self.callers and (len(self.callers) > 1 or self.groups or self.claims):
            # Somebody may have meant: everyone who also is in that group.
            raise ValueError(
                'callers = ["*"] is everybody already, whatever else stands here; keep one of them'
            )
        return self

    def __str__(self) -> str:
        """Say who it is as `alice or group staff or claim team=a|b and claim role=owner`."""
        claims = (f"claim {name}={'|'.join(values)}" for name, values in self.claims.items())
        groups = (f"group {name}" for name in self.groups)
        return " or ".join(filter(None, [*self.callers, *groups, " and ".join(claims)]))


class GrantTable(Table):
    """`[[grants]]`: a right, and who holds it.

    Attributes:
        end_with_token: whether a lease must end before the caller's own proof does.
    """

    name: _Name
    prefix: Annotated[str, AfterValidator(shapes.template)] | None = None
    whole_bucket: StrictBool = False
    actions: Annotated[
        tuple[Action, ...], AfterValidator(shapes.not_empty), AfterValidator(shapes.no_repeats)
    ]
    who: WhoTable
    duration: Annotated[StrictInt, Field(ge=SHORTEST, le=LONGEST)] = 3600
    end_with_token: StrictBool = False

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
            claims={name: frozenset(values) for name, values in self.who.claims.items()},
            end_with_token=self.end_with_token,
        )


def one_of_each(grants: tuple[GrantTable, ...]) -> tuple[GrantTable, ...]:
    """Take at least one grant, each with a name of its own."""
    if not grants:
        raise ValueError("is empty: nobody could be given anything")
    if len({grant.name for grant in grants}) < len(grants):
        raise ValueError("two grants have the same name")
    return grants
