"""Fields of form uploads, made and signed by hand as browsers are given them."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

Fields = dict[str, str]
KEY = "users/alice/form/${filename}"
REGION = "cn-hangzhou"


def policy(conditions: list[Any], minutes: int = 30) -> str:
    end = datetime.now(UTC) + timedelta(minutes=minutes)
    text = {"expiration": end.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "conditions": conditions}
    return base64.b64encode(json.dumps(text).encode()).decode()


def v4_form(lease: dict[str, str], *conditions: Any, minutes: int = 30, **fields: Any) -> Fields:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    place = f"{now[:8]}/{REGION}/oss/aliyun_v4_request"
    pinned = {
        "x-oss-signature-version": "OSS4-HMAC-SHA256",
        "x-oss-credential": f"{lease['AccessKeyId']}/{place}",
        "x-oss-date": now,
        "x-oss-security-token": lease["SecurityToken"],
    }
    chosen = [{"bucket": "examplebucket"}, ["starts-with", "$key", "users/alice/"]]
    text = policy(
        [*chosen, *({name: value} for name, value in pinned.items()), *conditions], minutes
    )
    key = f"aliyun_v4{lease['AccessKeySecret']}".encode()
    for part in place.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return {"key": KEY, "policy": text, **pinned, "x-oss-signature": signature, **fields}


def v1_form(lease: dict[str, str], *conditions: Any, minutes: int = 30, **fields: Any) -> Fields:
    text = policy([{"bucket": "examplebucket"}, *conditions], minutes)
    signature = hmac.digest(lease["AccessKeySecret"].encode(), text.encode(), "sha1")
    return {
        "key": KEY,
        "policy": text,
        "OSSAccessKeyId": lease["AccessKeyId"],
        "Signature": base64.b64encode(signature).decode(),
        "x-oss-security-token": lease["SecurityToken"],
        **fields,
    }
