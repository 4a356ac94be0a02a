"""deploy/ram: exactly what the server's work needs, held against the code and run in the sandbox."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import oss2
import pytest
import requests
from aliyunsdkcore.acs_exception.exceptions import ServerException

from sts_server.policy import session_policy
from sts_server.sandbox import Sandbox
from sts_server.scope import ACTIONS, Scope
from tests.integration.house import vending_server, whole_bucket
from tests.integration.signed import Call, Lease, send

RAM = Path(__file__).parents[2] / "deploy" / "ram"
BUCKET = "examplebucket"
# The sandbox has a role oss-vend of its own. Whoever follows deploy/README.md changes names, too.
NAMES = {"role/oss-vend": "role/vend"}
ROLE = "acs:ram::1234567890123456:role/vend"
USER = {"AccessKeyId": "LTAI5tExampleServer", "AccessKeySecret": "ExampleServerSecret"}
OTHER = {"AccessKeyId": "LTAI5tExampleOther", "AccessKeySecret": "ExampleOtherSecret"}
ORIGIN = "https://app.example.com"


def document(name: str) -> dict[str, Any]:
    text = (RAM / name).read_text("utf-8")
    for example, ours in NAMES.items():
        text = text.replace(example, ours)
    return cast("dict[str, Any]", json.loads(text))


def role_actions() -> list[str]:
    return [
        action for part in document("role-policy.json")["Statement"] for action in part["Action"]
    ]


def without(action: str) -> dict[str, Any]:
    """Give the role's policy with one action taken out."""
    policy = document("role-policy.json")
    for statement in policy["Statement"]:
        statement["Action"] = [name for name in statement["Action"] if name != action]
    policy["Statement"] = [part for part in policy["Statement"] if part["Action"]]
    return policy


def accounts(*role_policies: dict[str, Any], **more_roles: dict[str, Any]) -> str:
    """Write a configuration of the sandbox: the files' user and role, others, and their bucket."""
    trust = json.dumps(document("role-trust.json"))
    any_role = document("user-policy.json")
    any_role["Statement"][0]["Resource"] = "*"
    lines = []
    users = (("sts-server", USER, document("user-policy.json")), ("other", OTHER, any_role))
    for name, key, policy in users:
        lines += [
            "[[users]]",
            f'name = "{name}"',
            f'access_key_id = "{key["AccessKeyId"]}"',
            f'access_key_secret = "{key["AccessKeySecret"]}"',
            f"policies = ['{json.dumps(policy)}']",
        ]
    for role, policies in {
        "vend": role_policies,
        **{n: (p,) for n, p in more_roles.items()},
    }.items():
        texts = ", ".join(f"'{json.dumps(policy)}'" for policy in policies)
        # The other roles are there to be looked at from inside: they trust the whole account.
        trusted = [f"trust = '{trust}'"] if role == "vend" else []
        lines += ["[[roles]]", f'name = "{role}"', f"policies = [{texts}]", *trusted]
    return "\n".join([*lines, "[[buckets]]", f'name = "{BUCKET}"'])


def seen_by(sandbox: Sandbox, key: Lease, role_arn: str = ROLE) -> Sandbox:
    """Give the same sandbox with another key and role at hand."""
    view = copy.copy(sandbox)
    view.bucket, view.role_arn = BUCKET, role_arn
    view.access_key_id, view.access_key_secret = key["AccessKeyId"], key["AccessKeySecret"]
    return view


def role_name(action: str) -> str:
    return f"no-{action.removeprefix('oss:')}"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox whose user and role are those of the files, and roles that lack one action each."""
    file = tmp_path_factory.mktemp("ram") / "sandbox.toml"
    lacking = {role_name(action): without(action) for action in role_actions()}
    file.write_text(accounts(document("role-policy.json"), **lacking))
    with Sandbox(bucket="elsewhere", config=file) as running:
        yield running


def do_everything(sandbox: Sandbox, lease: Lease) -> None:
    """Use each right that a lease can give, as the official SDK does."""
    auth = oss2.StsAuth(lease["AccessKeyId"], lease["AccessKeySecret"], lease["SecurityToken"])
    session = oss2.Session()
    store = oss2.Bucket(auth, sandbox.endpoint, BUCKET, session=session)
    key = "users/alice/a.txt"
    try:
        store.put_object(key, b"hello")
        assert store.get_object(key).read() == b"hello"
        found = [one.key for one in oss2.ObjectIteratorV2(store, prefix="users/alice/")]
        assert key in found
        upload = store.init_multipart_upload(key).upload_id
        store.upload_part(key, upload, 1, b"hello")
        assert len(store.list_parts(key, upload).parts) == 1
        store.abort_multipart_upload(key, upload)
        store.delete_object(key)
    finally:
        session.session.close()


def test_the_role_has_what_all_grants_together_could_give_and_no_more() -> None:
    widest = json.loads(session_policy(Scope(BUCKET, "", ACTIONS)))
    for statement in widest["Statement"]:
        statement.pop("Condition", None)
    assert document("role-policy.json") == widest


def test_the_server_does_all_its_work_with_these_files(sandbox: Sandbox, tmp_path: Path) -> None:
    with vending_server(seen_by(sandbox, USER), tmp_path) as server:
        do_everything(sandbox, server.lease(grant="everything"))


@pytest.mark.parametrize("action", role_actions())
def test_nothing_can_be_left_out(sandbox: Sandbox, action: str) -> None:
    arn = ROLE.replace("role/vend", f"role/{role_name(action)}")
    lease = whole_bucket(seen_by(sandbox, OTHER, arn))
    with pytest.raises(oss2.exceptions.AccessDenied):
        do_everything(sandbox, lease)


def test_the_user_may_do_nothing_but_assume_the_role(sandbox: Sandbox) -> None:
    for call in (Call(bucket=BUCKET), Call("GET", body=None, bucket=BUCKET)):
        assert send(sandbox, USER, call)[:2] == (403, "AccessDenied")
    another = ROLE.replace("role/vend", f"role/{role_name('oss:GetObject')}")
    with pytest.raises(ServerException) as refused:
        whole_bucket(seen_by(sandbox, USER, another))
    assert refused.value.get_error_code() == "NoPermission"


def test_the_role_trusts_that_user_and_nobody_else(sandbox: Sandbox) -> None:
    assert whole_bucket(seen_by(sandbox, USER))["AccessKeyId"].startswith("STS.")
    with pytest.raises(ServerException) as refused:
        whole_bucket(seen_by(sandbox, OTHER))
    assert refused.value.get_error_code() == "NoPermission"


def emergency(**changes: Any) -> dict[str, Any]:
    deny = document("emergency-deny.json")
    deny["Statement"][0].update(changes)
    return deny


@pytest.mark.parametrize(
    ("deny", "alice"),
    [
        (emergency(), "AccessDenied"),
        (emergency(Resource=[f"acs:oss:*:*:{BUCKET}/users/alice/*"]), "AccessDenied"),
        (emergency(Resource=[f"acs:oss:*:*:{BUCKET}/users/bob/*"]), ""),
        (emergency(Condition={"DateLessThan": {"acs:CurrentTime": "2999-01-01T00:00:00Z"}}), "AccessDenied"),
        (emergency(Condition={"DateLessThan": {"acs:CurrentTime": "2020-01-01T00:00:00Z"}}), ""),
    ],
)  # fmt: skip
def test_the_emergency_deny_cuts_leases_that_are_out(
    tmp_path: Path, deny: dict[str, Any], alice: str
) -> None:
    file, data = tmp_path / "sandbox.toml", tmp_path / "data"
    key = Call(key="users/alice/a", bucket=BUCKET)
    file.write_text(accounts(document("role-policy.json")))
    with Sandbox(bucket="elsewhere", config=file, data=data) as sandbox:
        lease = whole_bucket(seen_by(sandbox, USER))
        assert send(sandbox, lease, key)[0] == 200
    file.write_text(accounts(document("role-policy.json"), deny))
    with Sandbox(bucket="elsewhere", config=file, data=data) as sandbox:
        assert send(sandbox, lease, key)[1] == alice


def test_the_bucket_answers_the_page_and_no_other(sandbox: Sandbox) -> None:
    auth = oss2.AuthV4(sandbox.access_key_id, sandbox.access_key_secret)
    session = oss2.Session()
    store = oss2.Bucket(auth, sandbox.endpoint, BUCKET, session=session, region=sandbox.region)
    text = (RAM / "bucket-cors.xml").read_text("utf-8")
    store.put_bucket_cors(text)
    (rule,) = store.get_bucket_cors().rules
    session.session.close()
    url = f"{sandbox.endpoint}/{BUCKET}/users/alice/a.txt"
    for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
        asked = {
            "Origin": ORIGIN,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,if-none-match,x-oss-security-token,"
            "x-oss-forbid-overwrite,x-oss-range-behavior",
        }
        answer = requests.options(url, headers=asked, timeout=10)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert answer.headers["Vary"] == "Origin"
        refused = requests.options(
            url, headers={**asked, "Origin": "https://else.example"}, timeout=10
        )
        assert refused.status_code == 403
    shown = requests.get(url, headers={"Origin": ORIGIN}, timeout=10).headers
    exposed = shown["Access-Control-Expose-Headers"].replace(" ", "").split(",")
    assert exposed == rule.expose_headers
    # Without these ali-oss cannot upload in parts, and nobody can read on conditions.
    assert {"ETag", "Last-Modified", "x-oss-request-id", "x-oss-hash-crc64ecma"} <= set(exposed)
