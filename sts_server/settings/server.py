"""`[server]`: where it listens and where the audit lines go."""

from typing import Annotated

from pydantic import AfterValidator, Field

from sts_server import shapes
from sts_server.settings.table import Table


class ServerTable(Table):
    """`[server]`.

    Attributes:
        audit: `stderr`, or the path of a file that lines are appended to.
        deny_file: a file of callers and grants for which vending is stopped.
    """

    listen: Annotated[str, AfterValidator(shapes.listen_address)] = "127.0.0.1:8000"
    audit: Annotated[str, Field(min_length=1)] = "stderr"
    deny_file: Annotated[str, Field(min_length=1)] | None = None
