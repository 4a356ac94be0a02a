"""What the index knows about one bucket."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class CorsRule:
    """One rule of a bucket's CORS configuration (OSS: "PutBucketCors").

    Attributes:
        origins: Allowed origins, each with at most one `*`.
        methods: Allowed methods, upper-case.
        headers: Allowed request headers, each with at most one `*`.
        exposed: Response headers that scripts may read.
        max_age: Seconds that a preflight may be kept, if said.
    """

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age: int | None = None


@dataclass(frozen=True)
class Cors:
    """A CORS configuration: rules in order, and whether every answer says `Vary: Origin`."""

    rules: tuple[CorsRule, ...] = ()
    vary: bool = False


@dataclass(frozen=True)
class Bucket:
    """One bucket.

    Attributes:
        name: Its name.
        created: Whole seconds, aware, UTC.
        acl: `private`, `public-read` or `public-read-write`.
        versioning: Empty while it was never set, else `Enabled` or `Suspended`.
        cors: Its CORS configuration, if it has one.
        tags: Its tags.
    """

    name: str
    created: datetime
    acl: str = "private"
    versioning: str = ""
    cors: Cors | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
