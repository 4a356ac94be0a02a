"""A login for the vending server in thirty lines: says whose session a token is.

    python webhook_example.py 127.0.0.1:8100 sessions.json auth

`sessions.json` stands for your own login: {"token": {"user": "alice", "groups": ["staff"]}}.
`auth` holds the bearer that the vending server shows (callers.webhook.auth_file).
"""

import hmac
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

HOST, _, PORT = sys.argv[1].partition(":")
SESSIONS, BEARER = Path(sys.argv[2]), f"Bearer {Path(sys.argv[3]).read_text().strip()}"


class Login(BaseHTTPRequestHandler):
    """Answers POST with a form that holds `token`."""

    def do_POST(self) -> None:
        """Tell whose the token is; only the vending server may ask."""
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), BEARER.encode()):
            return self.answer(401, {})
        form = parse_qs(self.rfile.read(min(int(self.headers["Content-Length"]), 65536)).decode())
        session = json.loads(SESSIONS.read_text()).get(form["token"][0])  # ask your own login here
        if session is None:
            return self.answer(403, {"reason": "signed out; sign in again"})
        claims = {"groups": session["groups"]}
        return self.answer(
            200, {"user": session["user"], "maxValiditySeconds": 3600, "claims": claims}
        )

    def answer(self, status: int, what: object) -> None:
        """Answer with JSON."""
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """A server for many callers at once."""

    request_queue_size = 128


if __name__ == "__main__":
    with Server((HOST, int(PORT)), Login) as server:
        print(f"http://{HOST}:{server.server_port}/", flush=True)
        server.serve_forever()
