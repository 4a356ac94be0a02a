"""The tables of the configuration file, and which values go together."""

from typing import Annotated

from pydantic import AfterValidator

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
