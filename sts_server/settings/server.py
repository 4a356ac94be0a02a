"""`[server]`: where it listens, and what it tells its operator."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StrictInt, model_validator

from sts_server import shapes
from sts_server.settings.table import Table


class ServerTable(Table):
    """`[server]`.

    Attributes:
        audit: `stderr`, or the path of a file that lines are appended to.
        deny_file: a file of callers and grants for which vending is stopped.
        metrics_listen: where `/metrics` is, or `off`.
        probe_seconds: how often a probe asks STS whether this server could vend.
    """

    listen: Annotated[str, AfterValidator(shapes.listen_address)] = "127.0.0.1:8000"
    audit: Annotated[str, Field(min_length=1)] = "stderr"
    deny_file: Annotated[str, Field(min_length=1)] | None = None
    metrics_listen: Annotated[str, AfterValidator(shapes.listen_address_or_off)] = "127.0.0.1:9464"
    probe_seconds: Annotated[StrictInt, Field(ge=1, le=3600)] = 60
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["info", "warning", "error"] = "info"

    @model_validator(mode="after")
    def _metrics_are_elsewhere(self) -> Self:
        if self.metrics_listen == self.listen and not self.listen.endswith(":0"):
            raise ValueError("listen and metrics_listen are the same; give metrics another port")
        return self
