"""`[sts]`: the role to assume, the service to ask, and how much it is asked."""

from typing import Annotated, Self

from pydantic import Field, StrictInt, model_validator

from sts_server import shapes
from sts_server.settings.oss import Region
from sts_server.settings.table import Table, Url


class StsTable(Table):
    """`[sts]`.

    Attributes:
        region: whose STS is asked; the bucket's by default.
        vpc: ask it inside the VPC; by default the environment says so, or not.
        max_calls: AssumeRole calls under way at the same time.
        calls_per_minute: AssumeRole calls in any minute, of the 6,000 that an account has.
        queue: asks that may wait for their turn to call.
        connect_timeout: seconds to reach STS.
        read_timeout: seconds to wait for its answer.
        deadline: seconds for an ask with its wait and all its calls; less than its readers wait,
            and than this server waits at its end.
    """

    role_arn: Annotated[
        str,
        shapes.shaped(
            r"acs:ram::[0-9]{1,32}:role/[A-Za-z0-9._-]{1,64}",
            "a role like acs:ram::1234567890123456:role/name",
        ),
    ]
    endpoint: Url | None = None
    region: Region | None = None
    vpc: bool | None = Field(default=None, strict=True)
    external_id: (
        Annotated[
            str, shapes.shaped(r"[\w+=,.@:/-]{2,1224}", "2-1224 of letters, digits and +=,.@:/-_")
        ]
        | None
    ) = None
    max_calls: Annotated[StrictInt, Field(ge=1, le=64)] = 8
    calls_per_minute: Annotated[StrictInt, Field(ge=60, le=60_000)] = 3000
    queue: Annotated[StrictInt, Field(ge=0, le=10_000)] = 100
    connect_timeout: Annotated[StrictInt, Field(ge=1, le=5)] = 2
    read_timeout: Annotated[StrictInt, Field(ge=1, le=10)] = 4
    deadline: Annotated[StrictInt, Field(ge=2, le=10)] = 6

    @model_validator(mode="after")
    def _says_once_where_it_is(self) -> Self:
        if self.endpoint is not None and (self.vpc is not None or self.region is not None):
            raise ValueError("endpoint says where STS is: leave out vpc and region")
        if self.deadline < max(self.connect_timeout, self.read_timeout):
            raise ValueError("deadline is less than connect_timeout or read_timeout: raise it")
        return self

    def endpoint_in(self, region: str, *, in_vpc: bool) -> str:
        """Give the endpoint (Alibaba Cloud, "Endpoints" of STS).

        Args:
            region: the bucket's.
            in_vpc: what the environment says.
        """
        inside = in_vpc if self.vpc is None else self.vpc
        host = f"sts{'-vpc' if inside else ''}.{self.region or region}.aliyuncs.com"
        return self.endpoint or f"https://{host}"
