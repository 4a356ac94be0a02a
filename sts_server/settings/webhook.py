"""`[callers.webhook]`: a service that says whose a token is."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict, StrictInt

from sts_server import shapes
from sts_server.settings.table import IdPrefix, Names, Table


class WebhookTable(Table):
    """`[callers.webhook]`.

    Attributes:
        auth_file: holds the bearer that we show the service; none by default.
        ca_file: certificates to trust, where the service's own authority is a private one.
        send_as: a `form` keeps a token out of the service's access log; `query` is MinIO's way.
        timeout: seconds for a call with the wait for its turn: with `sts.deadline` less than this
            server waits at its end.
        max_calls: calls under way at the same time.
        remember: seconds for which a token that was accepted is not asked about again.
        claims: which of the answer's claims are taken.
        groups_claim: the claim that holds the caller's groups.
    """

    url: Annotated[str, AfterValidator(shapes.url_with_path)]
    auth_file: Annotated[str, Field(min_length=1)] | None = None
    ca_file: Annotated[str, Field(min_length=1)] | None = None
    send_as: Literal["form", "query"] = "form"
    timeout: Annotated[float, Strict(), Field(ge=0.1, le=5)] = 3
    max_calls: Annotated[StrictInt, Field(ge=1, le=256)] = 16
    # Never longer than the shortest validity of an answer.
    remember: Annotated[StrictInt, Field(ge=0, le=900)] = 60
    claims: Names = ()
    groups_claim: Annotated[str, Field(min_length=1)] | None = None
    id_prefix: IdPrefix = ""
