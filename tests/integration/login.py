"""A login that a role of the sandbox trusts: its keys, its tokens, and what `--config` says of it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ACCOUNT = "1234567890123456"
PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/login"
ROLE = f"acs:ram::{ACCOUNT}:role/web"
ISSUER = "https://login.example.com"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def login_config(folder: Path) -> Path:
    """Write a configuration with one role that trusts alice of this login, and nobody else.

    Args:
        folder: for the file and the keys of the login.
    """
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
    (folder / "keys.json").write_text(json.dumps({"keys": [{**jwk, "kid": "1"}]}))
    condition = {"StringEquals": {"oidc:aud": "app", "oidc:iss": ISSUER, "oidc:sub": "alice"}}
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": [PROVIDER]},
        "Condition": condition,
    }
    put = {"Effect": "Allow", "Action": "oss:PutObject", "Resource": "acs:oss:*:*:*/users/alice/*"}
    config = folder / "sandbox.toml"
    config.write_text(f"""
        [[oidc_providers]]
        name = "login"
        issuer = "{ISSUER}"
        client_ids = ["app"]
        jwks_file = "keys.json"

        [[roles]]
        name = "web"
        trust = '{json.dumps({"Version": "1", "Statement": [trust]})}'
        policies = ['{json.dumps({"Version": "1", "Statement": [put]})}']
    """)
    return config


def token(**change: Any) -> str:
    """Sign an identity token of alice's for five minutes.

    Args:
        change: claims that shall be otherwise.
    """
    now = datetime.now(UTC)
    claims = {"iss": ISSUER, "aud": "app", "sub": "alice", "iat": now}
    return jwt.encode(
        {**claims, "exp": now + timedelta(minutes=5), **change}, KEY, "RS256", {"kid": "1"}
    )
