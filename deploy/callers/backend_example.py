"""A backend with its own session cookies that passes leases on to its own pages.

    STS=http://127.0.0.1:8000 STS_SECRET_FILE=/run/secrets/sts-proxy uvicorn backend_example:app

The vending server trusts this backend as a proxy: [callers.forwarded] has its address and secret.
"""

import os
from pathlib import Path
from urllib.parse import quote

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

STS = os.environ["STS"]
SECRET = Path(os.environ["STS_SECRET_FILE"]).read_text().split()[0]
SESSIONS = {"0123456789abcdef": "alice"}  # your own sessions: whose a cookie is


async def lease(request: Request) -> Response:
    """Ask for a lease in the name of whoever is signed in here, and for nobody else."""
    user = SESSIONS.get(request.cookies.get("session", ""))
    if user is None:
        return Response("sign in first", 401)
    url = f"{STS}/v1/credentials/{quote(request.path_params['grant'], safe='')}"
    # Only these two headers: whatever the browser sent stays here.
    headers = {"X-Forwarded-User": user, "X-Forwarded-Secret": SECRET}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.get(url, params=request.query_params, headers=headers)
    names = ("Content-Type", "Cache-Control", "Retry-After", "X-Request-Id")
    kept = {name: answer.headers[name] for name in names if name in answer.headers}
    return Response(answer.content, answer.status_code, kept)


app = Starlette(routes=[Route("/keys/{grant}", lease)])
