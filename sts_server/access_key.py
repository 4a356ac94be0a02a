"""Our own access key, and where the environment says that it is to be found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

ID_NAME: Final = "ALIBABA_CLOUD_ACCESS_KEY_ID"
SECRET_NAME: Final = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"  # noqa: S105 - the variable's name, not its value
TOKEN_NAME: Final = "ALIBABA_CLOUD_SECURITY_TOKEN"  # noqa: S105 - the same


@dataclass(frozen=True, slots=True)
class AccessKey:
    """The key that this server itself calls STS with."""

    id: str
    secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class OidcRole:
    """A role that is taken with a token in a file: RRSA in a Kubernetes cluster.

    Attributes:
        token_file: read again for each new key, since whoever wrote it renews it.
    """

    role_arn: str
    provider_arn: str
    token_file: Path
    session_name: str | None = None


@dataclass(frozen=True, slots=True)
class EcsRole:
    """The role of the machine, told by the metadata service of ECS.

    Attributes:
        name: of the role; None lets the service say it.
        only_v2: do without the older way, which asks without a token.
    """

    name: str | None = None
    only_v2: bool = False


@dataclass(frozen=True, slots=True)
class KeySources:
    """Where our own key may come from, in the official order; None is a place not looked at.

    The order and the names are those of alibabacloud-credentials (`provider/default.py`).

    Attributes:
        key: given by the environment as it is.
        cli_file: the profiles of Alibaba Cloud CLI.
        sdk_file: the profiles of the SDKs.
        profile: which one of a file; None is the file's own choice.
        uri: an address that answers with a key. It may hold a secret.
    """

    key: AccessKey | None = None
    oidc: OidcRole | None = None
    cli_file: Path | None = None
    sdk_file: Path | None = None
    profile: str | None = None
    ecs: EcsRole | None = None
    uri: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """Read an environment. What is wrong with it, `key_problems` tells."""

        def text(name: str) -> str | None:
            return environ.get(f"ALIBABA_CLOUD_{name}") or None

        def says_true(name: str) -> bool:
            return (text(name) or "").lower() == "true"

        key_id, secret = environ.get(ID_NAME), environ.get(SECRET_NAME)
        role, provider, token = text("ROLE_ARN"), text("OIDC_PROVIDER_ARN"), text("OIDC_TOKEN_FILE")
        home = Path(environ.get("HOME") or "/")
        return cls(
            key=AccessKey(key_id, secret, environ.get(TOKEN_NAME) or None)
            if key_id and secret
            else None,
            oidc=OidcRole(role, provider, Path(token), text("ROLE_SESSION_NAME"))
            if role and provider and token
            else None,
            cli_file=None
            if says_true("CLI_PROFILE_DISABLED")
            else home / ".aliyun" / "config.json",
            sdk_file=Path(text("CREDENTIALS_FILE") or home / ".alibabacloud" / "credentials.ini"),
            profile=text("PROFILE"),
            ecs=None
            if says_true("ECS_METADATA_DISABLED")
            else EcsRole(text("ECS_METADATA"), only_v2=says_true("IMDSV1_DISABLED")),
            uri=text("CREDENTIALS_URI"),
        )


def key_problems(environ: Mapping[str, str]) -> list[str]:
    """Tell what is wrong with the key that the environment gives; without one, nothing is."""
    given = [name for name in (ID_NAME, SECRET_NAME) if environ.get(name)]
    if len(given) == 1:
        (missing,) = {ID_NAME, SECRET_NAME} - {*given}
        return [f"{missing} is not set, but {given[0]} is: a key has both"]
    return []
