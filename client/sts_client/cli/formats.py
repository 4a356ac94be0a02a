"""Credentials as other programs read them: a lease in, a text out. Pure."""

import json
import shlex
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from sts_client.credentials import Lease
from sts_client.errors import UsageError


def as_json(lease: Lease, _profile: str = "") -> str:
    """Write what credentials URIs and ossfs's ``credential_process`` read."""
    return json.dumps(uri_answer(lease))


def as_external(lease: Lease, _profile: str = "") -> str:
    """Write what a profile of the mode ``External`` reads from its ``process_command``."""
    return json.dumps(
        {
            "mode": "StsToken",
            "access_key_id": lease.credentials.access_key_id,
            "access_key_secret": lease.credentials.access_key_secret,
            "sts_token": lease.credentials.security_token,
            "expiration": moment(lease.expiry),
        }
    )


def as_env(lease: Lease, _profile: str = "") -> str:
    """Write lines for a POSIX shell to evaluate, under the names of all official SDKs and tools."""
    keys = lease.credentials
    variables = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": keys.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": keys.access_key_secret,
        "ALIBABA_CLOUD_SECURITY_TOKEN": keys.security_token,
        "OSS_ACCESS_KEY_ID": keys.access_key_id,
        "OSS_ACCESS_KEY_SECRET": keys.access_key_secret,
        "OSS_SESSION_TOKEN": keys.security_token,
        "OSS_REGION": lease.region,
        "OSS_ENDPOINT": lease.endpoint,
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([*lines, f"# until {moment(lease.expiry)}"])


def as_ini(lease: Lease, profile: str) -> str:
    """Write a section of ossutil's configuration: ``[Credentials]`` for 1.x, a profile for 2.x."""
    keys = lease.credentials
    return _section(
        profile or "Credentials",
        {
            "language": "EN",
            "endpoint": lease.endpoint,
            "region": lease.region,
            "accessKeyID": keys.access_key_id,
            "accessKeySecret": keys.access_key_secret,
            "stsToken": keys.security_token,
        },
        lease,
    )


def as_rclone(lease: Lease, profile: str) -> str:
    """Write a remote of rclone's configuration; it speaks OSS's S3 side, so over virtual hosts."""
    keys = lease.credentials
    return _section(
        profile or "oss",
        {
            "type": "s3",
            "provider": "Alibaba",
            "endpoint": urlsplit(lease.endpoint).netloc,
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.access_key_secret,
            "session_token": keys.security_token,
            # It may not make one, and rclone would try.
            "no_check_bucket": "true",
        },
        lease,
    )


FORMATS: Final[Mapping[str, Callable[[Lease, str], str]]] = {
    "json": as_json,
    "env": as_env,
    "external": as_external,
    "ini": as_ini,
    "rclone": as_rclone,
}


def uri_answer(lease: Lease) -> dict[str, str]:
    """Return what credentials URIs answer ("Manage access credentials")."""
    return {
        "Code": "Success",
        "AccessKeyId": lease.credentials.access_key_id,
        "AccessKeySecret": lease.credentials.access_key_secret,
        "SecurityToken": lease.credentials.security_token,
        "Expiration": moment(lease.expiry),
        "LastUpdated": moment(lease.issued),
    }


def moment(when: float) -> str:
    """Write a time as STS does: without fractions, which the readers' parsers refuse."""
    return datetime.fromtimestamp(int(when), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _section(name: str, values: Mapping[str, str], lease: Lease) -> str:
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        raise UsageError("a profile's name consists of letters, digits, - and _")
    lines = [f"{key} = {value}" for key, value in values.items()]
    return "\n".join([f"# until {moment(lease.expiry)}", f"[{name}]", *lines])
