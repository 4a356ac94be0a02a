"""Claims and the end of a proof, from the login to OSS, with the official SDK as the one who tries."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import oss2
import pytest
import requests

from sts_server.callers.api_keys import digest
from sts_server.sandbox import Sandbox
from tests.integration.house import CONFIG, Server, vending_server

SECRET = "0123456789abcdef" * 4
DAY_KEY = "osk_" + "d" * 43
MORE = """
[[grants]]
name = "team"
prefix = "teams/{{claim.team}}/{{caller}}/"
actions = ["get", "put", "list"]
who = {{ claims = {{ team = ["proxy:red", "proxy:blue"] }} }}
[[grants]]
name = "short"
prefix = "short/{{caller}}.txt"
actions = ["get", "put"]
who = {{ callers = ["dan", "alice"] }}
duration = 3600
end_with_token = true
[[callers.api_key]]
id = "dan"
sha256 = [{{ digest = "{digest}", expires = {expires} }}]
[callers.forwarded]
networks = ["127.0.0.1"]
secret_file = "{file}"
id_prefix = "proxy:"
claims = {{ team = "X-Forwarded-Team" }}
"""
END = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2000)


@pytest.fixture
def server(sandbox: Sandbox, tmp_path: Path) -> Iterator[Server]:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    file.chmod(0o600)
    more = MORE.format(digest=digest(DAY_KEY), expires=END.strftime("%FT%TZ"), file=file)
    # Formatted twice: the braces of the configuration's own templates stay.
    more = more.replace("{", "{{").replace("}", "}}")
    with vending_server(sandbox, tmp_path, CONFIG + more) as server:
        yield server


def ask(server: Server, path: str, user: str, team: str | None) -> requests.Response:
    headers = {"X-Forwarded-User": user, "X-Forwarded-Secret": SECRET}
    if team is not None:
        headers["X-Forwarded-Team"] = team
    return requests.get(f"{server.url}/v1/{path}", headers=headers, timeout=30)


def opened(sandbox: Sandbox, lease: dict[str, Any]) -> oss2.Bucket:
    auth = oss2.StsAuth(
        lease["AccessKeyId"], lease["AccessKeySecret"], lease["SecurityToken"], auth_version="v4"
    )
    return oss2.Bucket(auth, sandbox.endpoint, sandbox.bucket, region=sandbox.region)


def test_a_team_by_claim_reaches_its_own_folder_and_no_other(
    server: Server, sandbox: Sandbox
) -> None:
    red = opened(sandbox, ask(server, "credentials/team", "ann", "red").json())
    blue = opened(sandbox, ask(server, "credentials/team", "ann", "blue").json())
    mine = "teams/proxy:red/proxy:ann/a.txt"
    red.put_object(mine, b"red")
    assert red.get_object(mine).read() == b"red"
    with pytest.raises(oss2.exceptions.AccessDenied):
        blue.get_object(mine)
    for key in ("teams/proxy:blue/proxy:ann/a.txt", "teams/proxy:red/proxy:bob/a.txt", "a.txt"):
        with pytest.raises(oss2.exceptions.AccessDenied):
            red.put_object(key, b"x")


@pytest.mark.parametrize("team", [None, "green", "Red", "red*", "proxy:red", "red/../blue"])
def test_another_team_or_none_gets_nothing(server: Server, team: str | None) -> None:
    answer = ask(server, "credentials/team", "ann", team)
    assert (answer.status_code, answer.json()["Code"]) == (403, "GrantDenied")
    assert [grant["Name"] for grant in ask(server, "grants", "ann", team).json()["Grants"]] == [
        "uploads"
    ]


def test_a_lease_ends_before_the_key_that_it_was_asked_with(
    server: Server, sandbox: Sandbox
) -> None:
    headers = {"Authorization": f"Bearer {DAY_KEY}"}
    lease = requests.get(f"{server.url}/v1/credentials/short", headers=headers, timeout=30).json()
    ends = datetime.fromisoformat(lease["Expiration"])
    assert END - timedelta(seconds=600) < ends <= END
    (short,) = (
        grant
        for grant in requests.get(f"{server.url}/v1/grants", headers=headers, timeout=30).json()[
            "Grants"
        ]
        if grant["Name"] == "short"
    )
    assert short["Duration"] in (1500, 1800)
    bucket = opened(sandbox, lease)
    bucket.put_object("short/dan.txt", b"d")
    for key in ("short/dan.txt.bak", "short/alice.txt"):
        with pytest.raises(oss2.exceptions.AccessDenied):
            bucket.put_object(key, b"x")
    # Of a proof without an end all of the grant is left.
    whole = datetime.fromisoformat(server.lease("alice", "short")["Expiration"])
    assert whole > END
