"""Leases inside fsspec: pandas, pyarrow, dask and polars read and write ``oss-sts://`` paths.

::

    import pandas

    options = {
        "server": "https://sts.example.com",
        "grant": "uploads",
        "token_file": "/var/run/secrets/token",
    }
    table = pandas.read_csv("oss-sts://bucket/users/alice/a.csv", storage_options=options)

dask takes the same `storage_options`; pyarrow and polars a file system, or a file of it::

    import fsspec, polars, pyarrow.parquet

    files = fsspec.filesystem("oss-sts", **options)
    pyarrow.parquet.read_table("bucket/users/alice/a.parquet", filesystem=files)
    with files.open("bucket/users/alice/a.parquet") as file:
        polars.read_parquet(file)

To give no options at each place, say once ``fsspec.config.conf["oss-sts"] = options``. `register`
makes it all work with ``oss://``, too.

A file that is read is read in one version: replaced meanwhile, it raises `OSError` with
``errno.ESTALE``. A file that is written appears when it is closed; an upload that fails, or a
``with`` that is left by an exception, leaves nothing. Some libraries close their file even then,
and half a file would appear: ``with files.transaction:`` around them prevents that.
"""

from sts_client.plugs.missing import missing

try:
    import fsspec
except ImportError as error:
    raise missing(error, "fsspec", '"oss-sts[fsspec]"') from None

from sts_client.plugs.fsspec.reading import ReadFile
from sts_client.plugs.fsspec.system import OssFileSystem, OssStsFileSystem
from sts_client.plugs.fsspec.writing import WriteFile

__all__ = ["OssFileSystem", "OssStsFileSystem", "ReadFile", "WriteFile", "register"]


def register() -> None:
    """Have this process open ``oss://`` paths with leases, and no longer with ossfs."""
    fsspec.register_implementation("oss", OssFileSystem, clobber=True)
