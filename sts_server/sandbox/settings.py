"""Everything that can be chosen about a sandbox, checked before anything is started."""

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from sts_server.sandbox.errors import SettingError

BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
ROLE_ARN = re.compile(r"acs:ram::(?P<account>\d+):role/(?P<name>[A-Za-z0-9.-]{1,64})", re.ASCII)
ACCESS_KEY_ID = re.compile(r"(?!STS\.)[A-Za-z0-9._-]{1,128}")
MAX_PORT = 65535


@dataclass(frozen=True)
class Settings:
    """What one sandbox is made of.

    Attributes:
        host: Address of the public listener; anything but loopback is the user's explicit wish.
        port: Its port, or 0 for any free one.
        tls_port: Port that serves the same over HTTPS, 0 for any free one, None for no HTTPS.
        bucket: Name of the bucket.
        region: General region id.
        domain: Buckets are `<bucket>.<domain>`, beside the real host names and the path.
        role_arn: ARN of the role; its account owns everything.
        access_key_id: Key of the RAM user.
        access_key_secret: Its secret.
        data: The data folder, or None for one that is removed at the end.
        config: A TOML file of more users, roles, buckets and OIDC providers, or None.
        until_stdin_closes: Whether to end when standard input does.

    Raises:
        SettingError: A value cannot be used.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls_port: int | None = None
    bucket: str = "examplebucket"
    region: str = "cn-hangzhou"
    domain: str = "localhost"
    role_arn: str = "acs:ram::1234567890123456:role/oss-vend"
    access_key_id: str = field(default_factory=lambda: f"LTAI5t{secrets.token_hex(9)}")
    access_key_secret: str = field(default_factory=lambda: secrets.token_hex(15), repr=False)
    data: Path | None = None
    config: Path | None = None
    until_stdin_closes: bool = False

    def __post_init__(self) -> None:
        for name, value, pattern in (
            ("bucket", self.bucket, BUCKET),
            ("region", self.region, REGION),
            ("domain", self.domain, DOMAIN),
            ("role ARN", self.role_arn, ROLE_ARN),
            ("AccessKey id", self.access_key_id, ACCESS_KEY_ID),
        ):
            if not pattern.fullmatch(value):
                raise SettingError(f"{value!r} is not a usable {name}")
        for port in (self.port, self.tls_port or 0):
            if not 0 <= port <= MAX_PORT:
                raise SettingError(f"{port} is not a port")
        if not self.access_key_secret or not self.access_key_secret.isascii():
            raise SettingError("the AccessKey secret is empty or not ASCII")

    @property
    def account(self) -> str:
        """The account id, taken from the role ARN."""
        return self.role_arn.split(":")[3]

    @property
    def role_name(self) -> str:
        """The name of the role, taken from its ARN."""
        return self.role_arn.rpartition("/")[2]
