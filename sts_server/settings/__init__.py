"""The tables of the configuration file, and which values go together."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from sts_server import shapes
from sts_server.settings.callers import CallersTable
from sts_server.settings.grants import GrantTable, one_of_each
from sts_server.settings.oss import OssTable
from sts_server.settings.server import ServerTable
from sts_server.settings.sts import StsTable
from sts_server.settings.table import Table


class Tables(Table):
    """The whole file."""

    server: ServerTable = ServerTable()
    oss: OssTable
    sts: StsTable
    callers: CallersTable
    grants: Annotated[tuple[GrantTable, ...], AfterValidator(one_of_each)]

    @model_validator(mode="after")
    def _no_proxy_is_counted_as_one(self) -> Self:
        forwarded = self.callers.forwarded
        for network in forwarded.networks if forwarded else ():
            if not any(shapes.is_inside(network, proxy) for proxy in self.server.proxies):
                raise ValueError(
                    f"callers.forwarded: {network} must stand in server.proxies, too, or all who "
                    "come through it share one address's limits"
                )
        return self

    @model_validator(mode="after")
    def _a_browser_reaches_the_bucket(self) -> Self:
        host = urlsplit(self.oss.endpoint).hostname or ""
        if self.server.page is not False and shapes.is_address(host):
            raise ValueError(
                "ali-oss cannot reach a bucket at an address from a browser: for server.page, give "
                "oss.endpoint a name, such as localhost"
            )
        return self
