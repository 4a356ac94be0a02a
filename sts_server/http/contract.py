"""The contract: openapi.json, a file beside this one that tests hold true, as it is served."""

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def contract() -> Route:
    """Lay out the path of the contract. It is the same for everybody, so nobody proves anything."""
    text = files(__package__).joinpath("openapi.json").read_bytes()

    async def openapi(_: Request) -> Response:
        return Response(text, media_type="application/json")

    return Route("/openapi.json", openapi, methods=["GET"])
