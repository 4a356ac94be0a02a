"""`sts-client mirror`: makes a folder what is below a prefix, or the other way round."""

import argparse
from collections.abc import Callable

from sts_client.bucket import Bucket
from sts_client.cli.commands import Commands, Setting, command
from sts_client.cli.connection import opened
from sts_client.cli.exits import DONE, FAILED
from sts_client.cli.names import is_name, key_of
from sts_client.cli.progress import Moved, amount, moving
from sts_client.errors import UsageError
from sts_client.mirror import Issue, Report
from sts_client.transfer import TransferSettings


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = command(commands, "mirror", "make a folder what is below a prefix, or the reverse")
    parser.add_argument("source", metavar="oss://bucket/prefix/ | DIR", help="stays as it is")
    parser.add_argument("target", metavar="DIR | oss://bucket/prefix/", help="becomes the same")
    parser.add_argument("--delete", action="store_true", help="there, what is not here")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument(
        "--forbid-overwrite", action="store_true", help="on the way up: only create"
    )
    parser.add_argument("--manifest", metavar="FILE", help="on the way up: remembers the same")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, setting: Setting) -> int:
    """Do it and say what was done, name by name. 0 if nothing was refused and nothing failed."""
    down = is_name(options.source)
    if down == is_name(options.target):
        raise UsageError("one of the two is a folder, the other is named oss://bucket/prefix/")
    if down and (options.forbid_overwrite or options.manifest):
        raise UsageError("--forbid-overwrite and --manifest are for the way up")
    with (
        opened(options, setting.environ) as bucket,
        moving(setting.report, options.source, None) as moved,
    ):
        report = _down(bucket, options, moved) if down else _up(bucket, options, moved)
    _tell(report, setting)
    return DONE if report.ok else FAILED


def _down(bucket: Bucket, options: argparse.Namespace, moved: Moved) -> Report:
    return bucket.mirror(
        key_of(bucket, options.source),
        options.target,
        delete=options.delete,
        dry_run=options.dry_run,
        settings=TransferSettings(on_progress=moved),
    )


def _up(bucket: Bucket, options: argparse.Namespace, moved: Moved) -> Report:
    return bucket.upload_tree(
        options.source,
        key_of(bucket, options.target),
        delete=options.delete,
        dry_run=options.dry_run,
        forbid_overwrite=options.forbid_overwrite,
        manifest=options.manifest,
        settings=TransferSettings(on_progress=moved),
    )


def _tell(report: Report, setting: Setting) -> None:
    for what, names in (("moved", report.moved), ("deleted", report.deleted)):
        for name in names:
            setting.report.done(f"{what:8} {name}", name=name, outcome=what)
    for name in report.replaced:
        said = "was not what an earlier run had left"
        setting.report.done(f"replaced {name}: {said}", name=name, outcome="replaced")
    _tell_issues("skipped", report.skipped, setting.report.done)
    # Said in any case: these are not so now.
    _tell_issues("refused", report.refused, setting.report.product)
    _tell_issues("failed", report.failed, setting.report.product)
    summary = {
        "moved": len(report.moved),
        "moved_bytes": report.moved_bytes,
        "deleted": len(report.deleted),
        "unchanged": report.unchanged,
        "skipped": len(report.skipped),
        "refused": len(report.refused),
        "failed": len(report.failed),
    }
    setting.report.done(
        f"{summary['moved']} moved ({amount(report.moved_bytes)}), {summary['deleted']} deleted, "
        f"{summary['unchanged']} unchanged, {summary['skipped']} skipped, "
        f"{summary['refused']} refused, {summary['failed']} failed"
        + (" (dry run: nothing was done)" if report.dry_run else ""),
        summary=summary,
        dry_run=report.dry_run,
    )


def _tell_issues(what: str, issues: tuple[Issue, ...], say: Callable[..., None]) -> None:
    for issue in issues:
        line = f"{what:8} {issue.name}: {issue.reason}"
        say(line, name=issue.name, outcome=what, reason=issue.reason)
