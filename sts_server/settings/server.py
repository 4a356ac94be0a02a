"""`[server]`: where it listens, who may ask how often, and what it tells its operator."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt, model_validator

from sts_server import shapes
from sts_server.settings.table import Table

_PerMinute = Annotated[StrictInt, Field(ge=0, le=10_000_000)]
_Origin = Annotated[str, AfterValidator(shapes.origin)]
_Integrity = Annotated[
    str,
    shapes.shaped(
        r"sha(256-[\w+/]{43}=|384-[\w+/]{64}|512-[\w+/]{86}==)", "a digest like sha384-… in Base64"
    ),
]
_Network = Annotated[str, AfterValidator(shapes.network)]


class ServerTable(Table):
    """`[server]`.

    Attributes:
        audit: `stderr`, or the path of a file that lines are appended to.
        allow_origins: pages whose scripts may read answers (CORS).
        root_path: the path that a proxy serves this under, such as `/sts`.
        proxies: networks whose peers speak for many: they are not counted by address.
        requests_per_address: a minute, before it is known who asks; 0 is no limit.
        requests_per_caller: a minute; 0 is no limit.
        max_connections: open at the same time.
        deny_file: a file of callers and grants for which vending is stopped.
        metrics_listen: where `/metrics` is, or `off`.
        page: true for the page that came with this program, false for none, or a folder.
        page_sdk: where browsers get ali-oss from, which the page needs.
        page_sdk_integrity: what ali-oss must be, to the bit (Subresource Integrity).
        probe_seconds: how often a probe asks STS whether this server could vend.
    """

    listen: Annotated[str, AfterValidator(shapes.listen_address)] = "127.0.0.1:8000"
    audit: Annotated[str, Field(min_length=1)] = "stderr"
    allow_origins: Annotated[tuple[_Origin, ...], AfterValidator(shapes.no_repeats)] = ()
    root_path: Annotated[str, AfterValidator(shapes.root_path)] = ""
    proxies: tuple[_Network, ...] = ("127.0.0.0/8", "::1/128")
    requests_per_address: _PerMinute = 600
    requests_per_caller: _PerMinute = 600
    max_connections: Annotated[StrictInt, Field(ge=10, le=100_000)] = 1000
    deny_file: Annotated[str, Field(min_length=1)] | None = None
    metrics_listen: Annotated[str, AfterValidator(shapes.listen_address_or_off)] = "127.0.0.1:9464"
    page: Annotated[bool | str, BeforeValidator(shapes.folder)] = False
    page_sdk: Annotated[str, AfterValidator(shapes.script_url)] | None = None
    page_sdk_integrity: _Integrity | None = None
    probe_seconds: Annotated[StrictInt, Field(ge=1, le=3600)] = 60
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["info", "warning", "error"] = "info"

    @model_validator(mode="after")
    def _metrics_are_elsewhere(self) -> Self:
        if self.metrics_listen == self.listen and not self.listen.endswith(":0"):
            raise ValueError("listen and metrics_listen are the same; give metrics another port")
        return self

    @model_validator(mode="after")
    def _the_page_has_its_sdk(self) -> Self:
        if self.page is not False and self.page_sdk is None:
            raise ValueError("page needs page_sdk: the address that browsers load ali-oss from")
        if self.page is False and (self.page_sdk or self.page_sdk_integrity):
            raise ValueError("page_sdk is for the page: say page = true, too")
        return self
