"""The mirrors of a bucket: what is below a prefix as a folder, and back."""

import os

from sts_client.bucket.part import Part
from sts_client.mirror import Report, mirror, upload_tree
from sts_client.transfer import TransferSettings

_USUAL = TransferSettings()
_AT_ONCE = 8


class Mirrors(Part):
    """What a bucket can move between prefixes and folders."""

    def mirror(
        self,
        prefix: str,
        directory: str | os.PathLike[str],
        *,
        delete: bool = False,
        dry_run: bool = False,
        at_once: int = _AT_ONCE,
        settings: TransferSettings = _USUAL,
    ) -> Report:
        """Make a folder what is below a prefix: one listing decides, only what changed moves.

        Each file appears when it is whole and verified. A manifest in the folder remembers what was
        the same, so that the next run reads nothing and asks nothing about it. Files that were
        changed here are replaced; `Report.replaced` names them. An object that changes while the
        run goes on comes in its new version. What fails with one stops no other, and is in the
        report; a run that is interrupted, or finds no way on at all, remembers what it has done.
        Two runs in one folder wait for each other.

        No object is written outside of the folder, nor through a link in it. Names that could lead
        out, or would meet in one file, are refused; `Report.refused` says why.

        Args:
            prefix: ends in ``/``, or is empty; names of files are what keys have behind it.
            directory: the folder; made if it is not there.
            delete: also remove files of which there is no object, and folders that are empty then.
                It is refused if the listing is empty or the folder mirrors another prefix.
            dry_run: only find out what there would be to do.
            at_once: how many files move at a time.
            settings: of each of them.

        Raises:
            UsageError: the prefix is no folder, or `delete` cannot be meant.
            StsClientError: what stops all of it: the listing is refused, there is no lease.
            OSError: the same here: no such folder can be made, the disk is full.
        """
        return mirror(
            self._objects,
            prefix,
            directory,
            settings,
            delete=delete,
            dry_run=dry_run,
            at_once=at_once,
        )

    def upload_tree(
        self,
        directory: str | os.PathLike[str],
        prefix: str,
        *,
        delete: bool = False,
        dry_run: bool = False,
        forbid_overwrite: bool = False,
        manifest: str | os.PathLike[str] | None = None,
        at_once: int = _AT_ONCE,
        settings: TransferSettings = _USUAL,
    ) -> Report:
        """Make what is below a prefix what is in a folder: only what changed moves.

        Links are not followed, and what they stand for is neither uploaded nor deleted. Without a
        manifest an object of equal length costs one HEAD, which tells its CRC-64. The manifest that
        `mirror` left in the folder is used, but nothing is written into the folder.

        Args:
            directory: the folder.
            prefix: ends in ``/``, or is empty; keys are it and the names of files.
            delete: also delete objects of which there is no file. It is refused if the folder has
                no file at all. OSS has no "delete if unchanged": one that somebody writes just then
                is deleted, too.
            dry_run: only find out what there would be to do.
            forbid_overwrite: only create; objects that differ are in `Report.failed`.
            manifest: a file that remembers what was the same, for the next run.
            at_once: how many files move at a time.
            settings: of each of them.

        Raises:
            UsageError: as for `mirror`.
            StsClientError: what stops all of it.
            OSError: the folder, or one in it, cannot be read.
        """
        return upload_tree(
            self._objects,
            directory,
            prefix,
            settings,
            delete=delete,
            dry_run=dry_run,
            forbid_overwrite=forbid_overwrite,
            manifest_path=manifest,
            at_once=at_once,
        )
