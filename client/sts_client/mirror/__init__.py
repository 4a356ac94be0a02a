"""Folders and prefixes, made the same: one listing decides, and only what changed moves."""

from sts_client.mirror.down import mirror
from sts_client.mirror.report import Issue, Report
from sts_client.mirror.up import upload_tree

__all__ = ["Issue", "Report", "mirror", "upload_tree"]
