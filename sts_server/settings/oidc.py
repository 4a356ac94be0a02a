"""`[[callers.oidc]]`: one issuer, what its tokens must say, and what is read from them."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StrictInt, model_validator

from sts_server import shapes
from sts_server.settings.table import IdPrefix, Names, Table

# HMAC and none are not among them: who could verify such a token could make one, too.
Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]

_ClaimPlace = Annotated[
    str,
    shapes.shaped(
        r"[!-.0-~][!-~]{0,127}|(/[!-.0-~]+)+",
        "a claim like groups, or the way to an inner one like /realm_access/roles",
    ),
]
_File = Annotated[str, Field(min_length=1)]


class OidcTable(Table):
    """`[[callers.oidc]]`.

    Attributes:
        issuer: what `iss` must be, to the letter.
        audience: one of them must be in `aud`.
        id_claim: where the caller's id is; a place is a claim's name, or the way to an inner one
            as a JSON pointer (RFC 6901).
        groups_claim: where their groups are.
        claims: what else grants may speak of, by the last word of its place.
        require: a token must hold one of these texts at each of these places: where the issuer
            serves everybody, as GitHub's does, `callers = ["*"]` would else mean everybody.
        leeway: seconds that clocks may differ.
        jwks_uri: where the issuer's keys are; else its discovery document says it.
        jwks_file: a file that holds them; then nothing is fetched.
        ca_file: certificates to trust instead of the public ones.
        bearer_file: a token to send to the issuer's own host, or to `jwks_uri`.
    """

    issuer: Annotated[str, AfterValidator(shapes.issuer)]
    audience: Annotated[Names, AfterValidator(shapes.not_empty)]
    id_claim: _ClaimPlace = "sub"
    groups_claim: _ClaimPlace | None = None
    claims: tuple[_ClaimPlace, ...] = ()
    require: dict[_ClaimPlace, Annotated[Names, AfterValidator(shapes.not_empty)]] = Field(
        default_factory=dict
    )
    algorithms: Annotated[
        tuple[Algorithm, ...], AfterValidator(shapes.not_empty), AfterValidator(shapes.no_repeats)
    ] = ("RS256", "ES256")
    id_prefix: IdPrefix = ""
    leeway: Annotated[StrictInt, Field(ge=0, le=300)] = 30
    jwks_uri: Annotated[str, AfterValidator(shapes.document_url)] | None = None
    jwks_file: _File | None = None
    ca_file: _File | None = None
    bearer_file: _File | None = None

    @model_validator(mode="after")
    def _means_one_thing(self) -> Self:
        if "" in self.audience:
            raise ValueError("audience holds an empty text: any name of this server will do")
        if self.jwks_file is not None and (self.jwks_uri or self.ca_file or self.bearer_file):
            raise ValueError(
                "with jwks_file nothing is fetched: leave out jwks_uri, ca_file and bearer_file"
            )
        names = [claim_path(place)[-1] for place in self.claims]
        if len(set(names)) < len(names):
            raise ValueError("claims: two of them end in the same word, by which grants know them")
        return self


def claim_path(place: str) -> tuple[str, ...]:
    """Read a claim's place: `sub` is itself, `/a/b` is `b` inside of `a` (RFC 6901)."""
    if not place.startswith("/"):
        return (place,)
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in place[1:].split("/"))
