"""What browsers may: the preflights of a page, to the bucket and to the vending server."""

from collections.abc import Iterator, Mapping

from sts_client.cli.doctor.findings import Finding, failed, passed, skipped
from sts_client.cli.doctor.patient import Patient, advice_for
from sts_client.cli.doctor.surroundings import ask
from sts_client.errors import StsClientError
from sts_client.objects.address import Address
from sts_client.objects.transport import Transport

BUCKET, SERVER = "CORS of the bucket", "CORS of the vending server"
SIGNED = (
    "authorization",
    "content-type",
    "x-oss-content-sha256",
    "x-oss-date",
    "x-oss-security-token",
)
CONDITIONS = ("if-match", "if-modified-since", "if-none-match", "if-unmodified-since")
_METHODS: Mapping[str, str] = {"get": "GET", "put": "PUT", "delete": "DELETE"}
_RULE = (
    "give the bucket a CORS rule with the origin {origin}, the methods GET, HEAD, PUT, POST and "
    "DELETE, the headers *, and exposed: ETag, x-oss-request-id, x-oss-hash-crc64ecma, "
    "x-oss-version-id, x-oss-server-time, x-oss-err, x-oss-ec"
)


def browsers(
    transport: Transport, patient: Patient, address: Address, origin: str | None
) -> Iterator[Finding]:
    """Ask what a page of an origin may."""
    if origin is None:
        yield skipped(BUCKET, "no page was named", "say --origin https://app.example.com")
        return
    url = address.url(patient.places.probe or patient.lease.prefix)
    rule = _RULE.format(origin=origin)
    for action, method in _METHODS.items():
        if patient.may(action):
            headers = SIGNED + (CONDITIONS if action == "get" else ("x-oss-forbid-overwrite",))
            exposed = ("ETag",) if action != "delete" else ()
            yield preflight(
                transport, f"{BUCKET}: {method}", url, origin, method, headers, exposed, rule
            )
    for server in patient.connection.servers:
        yield preflight(
            transport,
            SERVER,
            f"{server.rstrip('/')}/v1/credentials/{patient.connection.grant}",
            origin,
            "GET",
            ("authorization",),
            (),
            f'add "{origin}" to allow_origins in the server\'s configuration, or serve the page '
            "from the same origin",
        )


def preflight(
    transport: Transport,
    step: str,
    url: str,
    origin: str,
    method: str,
    headers: tuple[str, ...],
    exposed: tuple[str, ...],
    advice: str,
) -> Finding:
    """Make one, and judge it as a browser does (Fetch, "CORS-preflight fetch")."""
    sent = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": ",".join(headers),
    }
    try:
        answer = ask(transport, "OPTIONS", url, sent)
    except StsClientError as error:
        return failed(step, str(error), advice_for(error))
    wrong = objection(answer.status_code, answer.headers, origin, method, headers, exposed)
    return failed(step, wrong, advice) if wrong else passed(step, f"{origin} may")


def objection(
    status: int,
    answer: Mapping[str, str],
    origin: str,
    method: str,
    headers: tuple[str, ...],
    exposed: tuple[str, ...],
) -> str:
    """Return what a browser has against the answer to a preflight, or "". Pure."""
    if not 200 <= status <= 299:  # noqa: PLR2004 - RFC 9110, section 15.3
        return f"the preflight is refused (HTTP {status})"
    if answer.get("Access-Control-Allow-Origin") not in {origin, "*"}:
        return "this origin is not allowed"
    if method not in _words(answer, "Methods") and "*" not in _words(answer, "Methods"):
        return f"the method {method} is not allowed"
    allowed = {each.lower() for each in _words(answer, "Headers")}
    # The asterisk of a browser does not stand for this one.
    missing = [
        each
        for each in headers
        if each not in allowed and ("*" not in allowed or each == "authorization")
    ]
    if missing:
        return f"headers are not allowed: {', '.join(missing)}"
    shown = {each.lower() for each in _words(answer, "Expose-Headers", whole=True)}
    hidden = [each for each in exposed if each.lower() not in shown and "*" not in shown]
    return f"scripts cannot see {', '.join(hidden)}" if hidden else ""


def _words(answer: Mapping[str, str], name: str, *, whole: bool = False) -> set[str]:
    header = f"Access-Control-{name}" if whole else f"Access-Control-Allow-{name}"
    return {each.strip() for each in answer.get(header, "").split(",")}
