"""The shapes of what a sandbox configuration may say; pydantic finds every mistake at once."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from sts_server.sandbox.errors import PolicyError, SettingError
from sts_server.sandbox.jwks import parse_jwks
from sts_server.sandbox.ram.document import parse_policy, parse_trust_policy
from sts_server.sandbox.settings import ACCESS_KEY_ID, BUCKET

MAX_OF_A_KIND = 100
MIN_SESSION, MAX_SESSION = 3600, 43_200  # RAM: "CreateRole", MaxSessionDuration
USER_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)  # RAM: "CreateUser"
ROLE_NAME = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)  # RAM: "CreateRole"
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)  # STS: "AssumeRole"
ONE_STAR = re.compile(
    r"(?=.)[!-)+-~]{0,500}\*?[!-)+-~]{0,500}"
)  # visible ASCII, with at most one star
HEADER = re.compile(r"[A-Za-z0-9-]{1,128}", re.ASCII)
# RAM: "CreateOIDCProvider". It takes https alone; a login on this machine may have none.
PROVIDER_NAME = re.compile(r"(?![._-])[A-Za-z0-9._-]{1,128}(?<![._-])", re.ASCII)
ISSUER = re.compile(r"(?=.{9,255}$)https?://[!-~]+", re.ASCII)
CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}", re.ASCII)
MAX_CLIENT_IDS = 50


def _shaped(pattern: re.Pattern[str], noun: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f"is not a usable {noun}")
        return value

    return AfterValidator(check)


def _policy(text: str) -> str:
    try:
        parse_policy(text)
    except PolicyError as error:
        raise ValueError(str(error)) from None
    return text


def _trust(text: str) -> str:
    try:
        parse_trust_policy(text)
    except PolicyError as error:
        raise ValueError(str(error)) from None
    return text


def _jwks(text: str) -> str:
    try:
        parse_jwks(text)
    except SettingError as error:
        raise ValueError(str(error)) from None
    return text


def _secret(text: str) -> str:
    if not text or not text.isascii():
        raise ValueError("is empty or not ASCII")
    return text


Policies = Annotated[list[Annotated[str, AfterValidator(_policy)]], Field(max_length=MAX_OF_A_KIND)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class UserTable(_Table):
    """One RAM user."""

    name: Annotated[str, _shaped(USER_NAME, "user name")]
    access_key_id: Annotated[str, _shaped(ACCESS_KEY_ID, "AccessKey id")]
    access_key_secret: Annotated[str, AfterValidator(_secret)] = Field(repr=False)
    policies: Policies = []
    active: bool = True


class RoleTable(_Table):
    """One RAM role."""

    name: Annotated[str, _shaped(ROLE_NAME, "role name")]
    policies: Policies = []
    trust: Annotated[str, AfterValidator(_trust)] | None = None
    external_id: Annotated[str, _shaped(EXTERNAL_ID, "external id")] | None = None
    max_session_duration: Annotated[int, Field(ge=MIN_SESSION, le=MAX_SESSION)] = MIN_SESSION

    @model_validator(mode="after")
    def _one_trust(self) -> Self:
        if self.trust is not None and self.external_id is not None:
            raise ValueError("write the external id into the trust policy, as sts:ExternalId")
        return self


Patterns = Annotated[list[Annotated[str, _shaped(ONE_STAR, "pattern")]], Field(max_length=100)]


class CorsTable(_Table):
    """One CORS rule (OSS: "PutBucketCors")."""

    origins: Annotated[Patterns, Field(min_length=1)]
    methods: Annotated[
        list[Literal["GET", "PUT", "DELETE", "POST", "HEAD"]], Field(min_length=1, max_length=5)
    ]
    headers: Patterns = []
    exposed: Annotated[list[Annotated[str, _shaped(HEADER, "header")]], Field(max_length=100)] = []
    max_age: Annotated[int, Field(ge=0, le=999_999_999)] | None = None


class BucketTable(_Table):
    """One bucket."""

    name: Annotated[str, _shaped(BUCKET, "bucket")]
    acl: Literal["private", "public-read", "public-read-write"] = "private"
    versioning: bool = False
    cors: Annotated[list[CorsTable], Field(max_length=10)] = []


class ProviderTable(_Table):
    """One OIDC provider: who makes tokens, for whom, and the keys that prove it."""

    name: Annotated[str, _shaped(PROVIDER_NAME, "provider name")]
    issuer: Annotated[str, _shaped(ISSUER, "issuer")]
    client_ids: Annotated[
        list[Annotated[str, _shaped(CLIENT_ID, "client id")]],
        Field(min_length=1, max_length=MAX_CLIENT_IDS),
    ]
    jwks: Annotated[str, AfterValidator(_jwks)] | None = None
    jwks_file: Annotated[str, Field(min_length=1, max_length=4096)] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.jwks is None) == (self.jwks_file is None):
            raise ValueError("give its keys once, as jwks or as jwks_file")
        return self


class Tables(_Table):
    """The whole document."""

    users: Annotated[list[UserTable], Field(max_length=MAX_OF_A_KIND)] = []
    roles: Annotated[list[RoleTable], Field(max_length=MAX_OF_A_KIND)] = []
    buckets: Annotated[list[BucketTable], Field(max_length=MAX_OF_A_KIND)] = []
    oidc_providers: Annotated[list[ProviderTable], Field(max_length=MAX_OF_A_KIND)] = []
