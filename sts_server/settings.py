"""The tables of the configuration file, and which values go together."""

from functools import cached_property
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    model_validator,
)

from sts_server import shapes
from sts_server.prefix import is_folder
from sts_server.scope import LONGEST, SHORTEST, Action, Grant

Style = Literal["virtual", "path", "cname"]


class _Table(BaseModel):
    """A table whose unknown names are mistakes, and which nobody changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


_Url = Annotated[str, AfterValidator(shapes.url)]
_Name = Annotated[
    str, shapes.shaped(r"[a-z0-9][a-z0-9_-]{0,63}", "1-64 lower-case letters, digits, - or _")
]
_Digest = Annotated[str, AfterValidator(shapes.digest)]
_Names = Annotated[tuple[str, ...], AfterValidator(shapes.no_repeats)]


class ServerTable(_Table):
    """`[server]`: where it listens and where the audit lines go.

    Attributes:
        audit: `stderr`, or the path of a file that lines are appended to.
    """

    listen: Annotated[str, AfterValidator(shapes.listen_address)] = "127.0.0.1:8000"
    audit: Annotated[str, Field(min_length=1)] = "stderr"


class OssTable(_Table):
    """`[oss]`: the one bucket, and how clients reach it."""

    bucket: Annotated[
        str,
        shapes.shaped(
            r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
            "a bucket's name: 3-63 lower-case letters, digits, -",
        ),
    ]
    region: Annotated[
        str,
        shapes.shaped(r"(?!oss-)[a-z]+(-[a-z0-9]+)+", "a region like cn-hangzhou, without oss-"),
    ]
    given_endpoint: _Url | None = Field(default=None, alias="endpoint")
    given_style: Style | None = Field(default=None, alias="style")

    @cached_property
    def endpoint(self) -> str:
        """The endpoint: the region's public one unless given."""
        return self.given_endpoint or f"https://oss-{self.region}.aliyuncs.com"

    @cached_property
    def style(self) -> Style:
        """How the bucket is named in a URL: an address has no room for it in the host."""
        host = urlsplit(self.endpoint).hostname or ""
        return self.given_style or ("path" if shapes.is_bare(host) else "virtual")


class StsTable(_Table):
    """`[sts]`: the role to assume and the service to ask.

    Attributes:
        max_calls: AssumeRole calls under way at the same time.
    """

    role_arn: Annotated[
        str,
        shapes.shaped(
            r"acs:ram::[0-9]{1,32}:role/[A-Za-z0-9._-]{1,64}",
            "a role like acs:ram::1234567890123456:role/name",
        ),
    ]
    endpoint: _Url | None = None
    external_id: (
        Annotated[
            str, shapes.shaped(r"[\w+=,.@:/-]{2,1224}", "2-1224 of letters, digits and +=,.@:/-_")
        ]
        | None
    ) = None
    max_calls: Annotated[StrictInt, Field(ge=1, le=64)] = 8


class ApiKeyTable(_Table):
    """`[[callers.api_key]]`: one caller and the digests of their keys."""

    id: Annotated[str, AfterValidator(shapes.caller_id)]
    sha256: Annotated[tuple[_Digest, ...], AfterValidator(shapes.not_empty)]
    groups: _Names = ()


class CallersTable(_Table):
    """`[callers]`: the ways to prove who is calling."""

    api_key: tuple[ApiKeyTable, ...] = ()

    @model_validator(mode="after")
    def _everyone_is_one(self) -> Self:
        if not self.api_key:
            raise ValueError(
                "nobody can prove who they are: add a [[callers.api_key]] table; "
                "`sts-server new-key NAME` makes one"
            )
        if len({caller.id for caller in self.api_key}) < len(self.api_key):
            raise ValueError("two callers have the same id")
        digests = [digest for caller in self.api_key for digest in caller.sha256]
        if len(set(digests)) < len(digests):
            raise ValueError("two callers share a key, or one key is listed twice")
        return self


class WhoTable(_Table):
    """`who`: the callers of a grant, by id or by group."""

    callers: _Names = ()
    groups: _Names = ()

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not self.callers and not self.groups:
            raise ValueError(
                'names nobody: say callers = ["*"], callers = ["alice"] or groups = ["staff"]'
            )
        return self


class GrantTable(_Table):
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


def _one_of_each(grants: tuple[GrantTable, ...]) -> tuple[GrantTable, ...]:
    if not grants:
        raise ValueError("is empty: nobody could be given anything")
    if len({grant.name for grant in grants}) < len(grants):
        raise ValueError("two grants have the same name")
    return grants


class Tables(_Table):
    """The whole file."""

    server: ServerTable = ServerTable()
    oss: OssTable
    sts: StsTable
    callers: CallersTable
    grants: Annotated[tuple[GrantTable, ...], AfterValidator(_one_of_each)]
