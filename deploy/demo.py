"""The whole job in one file: a sandbox, a vending server, and a client that reads on conditions.

Run it with `make demo`. It needs no cloud account: the sandbox is a local STS and OSS that really
check signatures, expiry and policies. All of it runs on 127.0.0.1 and is gone afterwards.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import sts_client
from sts_client.errors import OssError, StsClientError, VendingError
from sts_server.sandbox import Sandbox

# The object of Alibaba Cloud's own page "Conditional downloads", in a folder of Alice's.
OBJECT = "users/alice/exampledir/exampleobject.txt"
CONTENT = b"examplecontent"
OTHER_ETAG = '"5B3C1A2E0563E1B002CC607C00000000"'
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
TOMORROW = datetime.now(UTC) + timedelta(days=1)
SHOWN = 14  # characters of a key id

CONFIG = """\
[server]
listen = "127.0.0.1:0"
metrics_listen = "127.0.0.1:0"
audit = "{folder}/audit.jsonl"

[oss]
bucket = "{sandbox.bucket}"
region = "{sandbox.region}"
endpoint = "{sandbox.endpoint}"        # only for the sandbox: it follows from the region

[sts]
role_arn = "{sandbox.role_arn}"
endpoint = "{sandbox.sts_endpoint}"    # only for the sandbox, too

[[grants]]
name = "uploads"
prefix = "users/{{caller}}/"           # everybody gets a folder of their own
actions = ["get", "put", "list"]
who = {{ callers = ["*"] }}

"""


def main() -> int:
    """Run every step; 0 if each came out as it should."""
    tell = Transcript()
    with tempfile.TemporaryDirectory() as name, Sandbox() as sandbox:
        folder = Path(name)
        tell.title("Three programs on this machine")
        tell.note(f"sandbox          {sandbox.endpoint}  a local STS and OSS")
        keys, config = {}, CONFIG.format(folder=folder, sandbox=sandbox)
        for caller in ("alice", "bob"):
            keys[caller], table = new_key(caller)
            config += table
        (folder / "sts-server.toml").write_text(config)
        with vending_server(folder / "sts-server.toml", sandbox) as url:
            tell.note(f"vending server   {url}  vends leases for users/{{caller}}/")
            tell.note("client           this program, with sts_client")
            alice = sts_client.connect(url, grant="uploads", token=keys["alice"])
            bob = sts_client.connect(url, grant="uploads", token=keys["bob"])
            with alice, bob:
                etag = write_and_read(tell, alice)
                on_conditions(tell, alice, etag)
                create_only(tell, alice)
                stay_inside(tell, alice, bob, url, keys["bob"])
                outlive_a_lease(tell, alice, sandbox)
        who_had_what(tell, folder / "audit.jsonl")
    return tell.end()


def new_key(caller: str) -> tuple[str, str]:
    """Make an API key with `sts-server new-key`: the key, and the lines for the configuration."""
    done = subprocess.run(
        [sys.executable, "-m", "sts_server", "new-key", caller],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stderr.split()[-1], done.stdout


@contextmanager
def vending_server(config: Path, sandbox: Sandbox) -> Iterator[str]:
    """Run `sts-server serve` until the block ends."""
    # The server's own key reaches it by its environment, never by its configuration.
    own_key = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": sandbox.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": sandbox.access_key_secret,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "sts_server", "serve", "--config", config],
        env=os.environ | own_key,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for this program, which then ends the server
    ) as server:
        try:
            ready = server.stdout.readline() if server.stdout else ""
            if not ready:
                sys.exit("demo: the vending server did not start; it says why above")
            yield json.loads(ready)["url"]
        finally:
            server.terminate()


def write_and_read(tell: "Transcript", alice: sts_client.Bucket) -> str:
    """Get a lease, write the object with it, read it back; its ETag."""
    tell.title("Alice gets a lease, writes an object and reads it back")
    lease = alice.provider.lease()
    until = datetime.fromtimestamp(lease.expiry, UTC)
    tell.note(f"lease {shown(lease)} on {lease.prefix} until {until:%H:%M:%S} UTC")
    tell.step(f"put {OBJECT}", "200", lambda: alice.put(OBJECT, CONTENT))
    first = alice.get(OBJECT)
    tell.step("get it", "200", lambda: first)
    tell.check(f"its content is {CONTENT.decode()!r}", holds=first.read() == CONTENT)
    tell.note(f"ETag {first.etag}   Last-Modified {first.last_modified:%Y-%m-%d %H:%M:%S} UTC")
    return first.etag


def on_conditions(tell: "Transcript", alice: sts_client.Bucket, etag: str) -> None:
    """Use each of the document's four headers both ways, then some together."""
    tell.title("Each of the four conditions, met and not met")
    for text, expected, conditions in (
        ("If-Modified-Since    1970", "200", {"if_modified_since": LONG_AGO}),
        ("If-Modified-Since    tomorrow", "304 NotModified", {"if_modified_since": TOMORROW}),
        ("If-Unmodified-Since  tomorrow", "200", {"if_unmodified_since": TOMORROW}),
        ("If-Unmodified-Since  1970", "412 PreconditionFailed", {"if_unmodified_since": LONG_AGO}),
        ("If-Match             its ETag", "200", {"if_match": etag}),
        ("If-Match             another ETag", "412 PreconditionFailed", {"if_match": OTHER_ETAG}),
        ("If-None-Match        another ETag", "200", {"if_none_match": OTHER_ETAG}),
        ("If-None-Match        its ETag", "304 NotModified", {"if_none_match": etag}),
    ):
        tell.step(text, expected, partial(alice.get, OBJECT, **conditions))
    tell.title("Two conditions together: both must hold")
    tell.step(
        "If-Match its ETag, If-Unmodified-Since tomorrow",
        "200",
        lambda: alice.get(OBJECT, if_match=etag, if_unmodified_since=TOMORROW),
    )
    tell.step(
        "If-Match its ETag, If-Unmodified-Since 1970",
        "412 PreconditionFailed",
        lambda: alice.get(OBJECT, if_match=etag, if_unmodified_since=LONG_AGO),
    )
    tell.step(
        "If-None-Match another ETag, If-Modified-Since tomorrow",
        "304 NotModified",
        lambda: alice.get(OBJECT, if_none_match=OTHER_ETAG, if_modified_since=TOMORROW),
    )


def create_only(tell: "Transcript", alice: sts_client.Bucket) -> None:
    """Write only what is not there: the one condition that OSS knows for writing."""
    tell.title("Create, never overwrite")
    tell.step(
        "put a new name, forbid_overwrite",
        "200",
        lambda: alice.put("users/alice/new.txt", b"first", forbid_overwrite=True),
    )
    tell.step(
        "put the same name again, forbid_overwrite",
        "409 FileAlreadyExists",
        lambda: alice.put("users/alice/new.txt", b"second", forbid_overwrite=True),
    )
    kept = alice.get("users/alice/new.txt").read()
    tell.check("the first content is still there", holds=kept == b"first")


def stay_inside(
    tell: "Transcript", alice: sts_client.Bucket, bob: sts_client.Bucket, url: str, bobs_key: str
) -> None:
    """Try to reach further than a lease does."""
    tell.title("A lease reaches its own folder and nothing else")
    tell.step("alice reads outside her folder", "403 AccessDenied", lambda: alice.get("secret.txt"))
    tell.step("bob reads alice's object", "403 AccessDenied", lambda: bob.get(OBJECT))
    tell.step(
        "bob writes beside alice's folder",
        "403 AccessDenied",
        lambda: bob.put("users/alice-evil/x", b""),
    )
    with sts_client.connect(url, grant="uploads", token=bobs_key, prefix="users/alice/") as eve:
        tell.step("bob asks for a lease on alice's folder", "403 GrantDenied", eve.provider.lease)
    with sts_client.connect(url, grant="uploads", token="osk_" + "x" * 43) as nobody:
        tell.step("nobody asks for a lease", "401 Unauthenticated", nobody.provider.lease)


def outlive_a_lease(tell: "Transcript", alice: sts_client.Bucket, sandbox: Sandbox) -> None:
    """Let the lease die under the client, which asks for the next one and goes on."""
    tell.title("A lease dies, and the client carries on")
    before = alice.provider.lease()
    sandbox.clear_requests()
    sandbox.expire(before.credentials.access_key_id)
    tell.note(f"the sandbox lets lease {shown(before)} expire now")
    tell.step("alice reads her object", "200", lambda: alice.get(OBJECT))
    after = alice.provider.lease()
    for request in sandbox.requests():
        tell.note(f"the sandbox saw {request['method']} {request['path']} -> {outcome_of(request)}")
    tell.check(f"the client holds a new lease, {shown(after)}", holds=shown(before) != shown(after))


def who_had_what(tell: "Transcript", path: Path) -> None:
    """Read the server's audit log."""
    tell.title("The server wrote down who had what")
    for line in path.read_text().splitlines():
        record = json.loads(line)
        what = record.get("code") or f"lease {record['access_key_id'][:SHOWN]}…"
        why = " after a refused one" if "refused" in record else ""
        tell.note(f"{record['time']}  {record['caller']!s:6} {record['outcome']:8} {what}{why}")


def outcome_of(request: dict[str, object]) -> str:
    """Say what the sandbox answered."""
    return f"{request['status']} {request['code'] or ''}".strip()


def shown(lease: sts_client.Lease) -> str:
    """Name a lease by the beginning of its key id, which is no secret."""
    return f"{lease.credentials.access_key_id[:SHOWN]}…"


class Transcript:
    """Prints each step with what came out, and remembers whether all was as expected."""

    def __init__(self) -> None:
        self._steps = 0
        self._wrong = 0

    def title(self, text: str) -> None:
        """Begin a chapter."""
        print(f"\n{text}")

    def note(self, text: str) -> None:
        """Say something that can neither succeed nor fail."""
        print(f"        {text}")

    def step(self, text: str, expected: str, ask: Callable[[], object]) -> None:
        """Do something and compare what came out with what the document says."""
        try:
            answer = ask()
        except (OssError, VendingError) as error:
            outcome = f"{error.status} {type(error).__name__}"
        except StsClientError as error:
            outcome = f"{type(error).__name__}: {error}"
        else:
            outcome = "304 NotModified" if isinstance(answer, sts_client.NotModified) else "200"
        self.check(
            f"{text:<56} {outcome}", holds=outcome == expected, otherwise=f"expected {expected}"
        )

    def check(self, text: str, *, holds: bool, otherwise: str = "it is not so") -> None:
        """Print whether something holds."""
        self._steps += 1
        self._wrong += not holds
        print(f"  {'ok  ' if holds else 'BAD '}  {text}" + ("" if holds else f"   <- {otherwise}"))

    def end(self) -> int:
        """Sum up; the exit code."""
        if self._wrong:
            print(f"\n{self._wrong} of {self._steps} steps did not come out as they should.")
            return 1
        print(f"\nAll {self._steps} steps came out as they should.")
        return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
