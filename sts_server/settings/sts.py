"""`[sts]`: the role to assume and the service to ask."""

from typing import Annotated

from pydantic import Field, StrictInt

from sts_server import shapes
from sts_server.settings.table import Table, Url


class StsTable(Table):
    """`[sts]`.

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
    endpoint: Url | None = None
    external_id: (
        Annotated[
            str, shapes.shaped(r"[\w+=,.@:/-]{2,1224}", "2-1224 of letters, digits and +=,.@:/-_")
        ]
        | None
    ) = None
    max_calls: Annotated[StrictInt, Field(ge=1, le=64)] = 8
