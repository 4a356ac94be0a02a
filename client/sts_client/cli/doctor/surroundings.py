"""The surroundings of a lease: who answers, TLS, and clocks."""

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests

from sts_client.cli.doctor.findings import Finding, failed, passed, skipped
from sts_client.cli.doctor.patient import Patient, advice_for
from sts_client.errors import StsClientError
from sts_client.objects.address import Address
from sts_client.objects.transport import Transport

MOST_OFFSET = 300.0
"""Seconds; OSS refuses at 900 ("RequestTimeTooSkewed"), and clocks that drift go on drifting."""


def ask(
    transport: Transport, method: str, url: str, headers: dict[str, str] | None = None
) -> requests.Response:
    """Make a request that proves nobody; raises NetworkError."""
    prepared = requests.PreparedRequest()
    prepared.prepare_method(method)
    # Set, not prepared: that would decode parts of it.
    prepared.url = url
    prepared.prepare_headers(headers or {})
    with transport.send(prepared) as answer:
        return answer


def servers(transport: Transport, addresses: tuple[str, ...]) -> Iterator[Finding]:
    """Look whether each vending server answers: one that stands in has to be there, too."""
    for address in addresses:
        step = f"vending server {_shown(address)}"
        try:
            ask(transport, "GET", f"{address.rstrip('/')}/healthz")
        except StsClientError as error:
            yield failed(step, str(error), advice_for(error))
        else:
            yield passed(step, _tls(address))


def oss(transport: Transport, patient: Patient, address: Address) -> Iterator[Finding]:
    """Look whether OSS answers, and what time it has."""
    step = f"OSS {address.origin}"
    before = time.time()
    try:
        answer = ask(transport, "HEAD", address.url(""))
    except StsClientError as error:
        yield failed(step, str(error), advice_for(error))
        return
    middle = (before + time.time()) / 2
    yield passed(step, _tls(address.origin))
    yield _clock("clock of the vending server", patient.lease.offset)
    try:
        # Cut to whole seconds: on average it was half a second later.
        there = parsedate_to_datetime(answer.headers["Date"]).timestamp() + 0.5
    except (KeyError, ValueError):
        yield skipped("clock of OSS", "it did not tell")
        return
    yield _clock("clock of OSS", there - middle)


def _clock(step: str, offset: float) -> Finding:
    says = f"{abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'} this machine's"
    if abs(offset) <= MOST_OFFSET:
        return passed(step, says)
    return failed(
        step,
        says,
        "set the clocks: this client follows the vending server's, the official SDKs their own, "
        "and OSS refuses what is 15 minutes off",
    )


def _tls(address: str) -> str:
    if urlsplit(address).scheme == "https":
        return "answers, with a certificate that is accepted"
    return "answers, without TLS"


def _shown(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
