"""`[oss]`: the one bucket, and how clients reach it."""

from functools import cached_property
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from sts_server import shapes
from sts_server.settings.table import Table, Url

Style = Literal["virtual", "path", "cname"]
Region = Annotated[
    str,
    shapes.shaped(r"(?!oss-)[a-z]+(-[a-z0-9]+)+", "a region like cn-hangzhou, without oss-"),
]


class OssTable(Table):
    """`[oss]`."""

    bucket: Annotated[
        str,
        shapes.shaped(
            r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
            "a bucket's name: 3-63 lower-case letters, digits, -",
        ),
    ]
    region: Region
    given_endpoint: Url | None = Field(default=None, alias="endpoint")
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
