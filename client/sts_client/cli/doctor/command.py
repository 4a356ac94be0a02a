"""`sts-client doctor`: finds out whether a grant does what it should, and no more than that."""

import argparse
import secrets
from collections import Counter
from collections.abc import Iterator

from sts_client.cli.commands import Commands, Setting, command
from sts_client.cli.connection import Connection, connected
from sts_client.cli.doctor.browsers import browsers
from sts_client.cli.doctor.findings import Finding, Outcome, failed, passed, skipped
from sts_client.cli.doctor.inside import accepted, inside
from sts_client.cli.doctor.outside import outside
from sts_client.cli.doctor.patient import Patient
from sts_client.cli.doctor.surroundings import oss, servers
from sts_client.cli.exits import DONE, FAILED
from sts_client.cli.formats import moment
from sts_client.cli.report import Report
from sts_client.errors import StsClientError, UsageError
from sts_client.objects.address import address_of
from sts_client.objects.transport import Transport

TIMEOUT = (5.0, 30.0)
"""Seconds for a connection, and for each part of an answer."""


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = command(commands, "doctor", "try what a grant gives, and that it gives no more")
    parser.add_argument("--origin", metavar="URL", help="of a page whose browsers should get in")
    parser.add_argument("--outside", metavar="KEY", help="an object that no lease may reach")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, setting: Setting) -> int:
    """Examine it step by step, and remove the probes whatever happens. 0 if nothing failed."""
    connection = connected(options, setting.environ)
    transport = Transport(TIMEOUT)
    counts: Counter[Outcome] = Counter()

    def tell(findings: Iterator[Finding]) -> None:
        for finding in findings:
            counts[finding.outcome] += 1
            _tell(setting.report, finding)

    try:
        tell(servers(transport, connection.servers))
        patient, finding = _admitted(connection)
        tell(iter([finding]))
        if patient is None:
            tell(iter([skipped("all else", "there is no lease")]))
        else:
            try:
                tell(_examined(patient, transport, options))
            finally:
                tell(patient.clean_up())
    finally:
        transport.close()
        connection.bucket.close()
    summary = {each.value: counts[each] for each in Outcome}
    setting.report.done(
        ", ".join(f"{count} {name}" for name, count in summary.items()), summary=summary
    )
    return FAILED if counts[Outcome.FAILED] else DONE


def _admitted(connection: Connection) -> tuple[Patient | None, Finding]:
    try:
        lease = connection.provider.lease()
    except UsageError:
        raise
    except StsClientError as error:
        advice = "look at address, grant and token, and into the server's audit log"
        return None, failed("lease", str(error), advice)
    says = (
        f"{', '.join(lease.actions)} in oss://{lease.bucket}/{lease.prefix} "
        f"until {moment(lease.expiry)}"
    )
    return Patient(connection, lease, secrets.token_hex(8)), passed("lease", says)


def _examined(
    patient: Patient, transport: Transport, options: argparse.Namespace
) -> Iterator[Finding]:
    address = address_of(patient.lease, endpoint=options.endpoint, allow_http=options.allow_http)
    yield from oss(transport, patient, address)
    finding = accepted(patient)
    yield finding
    if finding.outcome is Outcome.FAILED:
        yield skipped("all else", "OSS does not take the keys")
        return
    yield from inside(patient)
    yield from outside(patient, options.outside)
    yield from browsers(transport, patient, address, options.origin)


def _tell(report: Report, finding: Finding) -> None:
    if report.quiet and finding.outcome is not Outcome.FAILED:
        return
    report.product(
        finding.line,
        step=finding.step,
        outcome=finding.outcome.value,
        says=finding.says,
        advice=finding.advice,
    )
