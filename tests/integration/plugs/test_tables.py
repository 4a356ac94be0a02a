"""pandas, pyarrow, dask and polars, unmodified, on paths of a bucket."""

import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import dask
import dask.dataframe
import fsspec
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet
import pytest

from sts_client.plugs.fsspec import OssStsFileSystem
from tests.integration.house import KEYS, Server

ROWS = 50_000


@pytest.fixture(autouse=True)
def protocol() -> Iterator[None]:
    """Name the protocol as the entry point does, whatever is installed."""
    fsspec.register_implementation("oss-sts", OssStsFileSystem, clobber=True)
    yield
    fsspec.config.conf.pop("oss-sts", None)


@pytest.fixture
def frame() -> Any:
    numbers = range(ROWS)
    return pd.DataFrame({"n": numbers, "name": [f"row {number} 中" for number in numbers]})


def test_the_entry_point_names_the_file_system() -> None:
    text = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    named = tomllib.loads(text)["project"]["entry-points"]["fsspec.specs"]["oss-sts"]
    module, _, name = named.partition(":")
    assert getattr(import_module(module), name) is OssStsFileSystem


def test_pandas(frame: Any, options: dict[str, Any], folder: str) -> None:
    where = f"oss-sts://{folder}"
    frame.to_csv(f"{where}/a.csv", index=False, storage_options=options)
    assert pd.read_csv(f"{where}/a.csv", storage_options=options).equals(frame)
    frame.to_csv(f"{where}/a.csv.gz", index=False, storage_options=options)
    assert pd.read_csv(f"{where}/a.csv.gz", storage_options=options).equals(frame)
    frame.to_parquet(f"{where}/a.parquet", storage_options=options)
    read = pd.read_parquet(f"{where}/a.parquet", columns=["n"], storage_options=options)
    assert read["n"].equals(frame["n"])
    frame.to_json(f"{where}/a.json", storage_options=options)
    assert len(pd.read_json(f"{where}/a.json", storage_options=options)) == ROWS
    fsspec.config.conf["oss-sts"] = options
    assert pd.read_csv(f"{where}/a.csv").equals(frame)


def test_pandas_is_told_what_is_wrong(options: dict[str, Any], folder: str) -> None:
    with pytest.raises(FileNotFoundError):
        pd.read_csv(f"oss-sts://{folder}/none.csv", storage_options=options)
    with pytest.raises(PermissionError):
        pd.read_csv("oss-sts://examplebucket/users/bob/a.csv", storage_options=options)


def test_pyarrow(frame: Any, files: OssStsFileSystem, folder: str) -> None:
    table = pa.Table.from_pandas(frame)
    arrow = pa.fs.PyFileSystem(pa.fs.FSSpecHandler(files))
    pa.parquet.write_table(table, f"{folder}/a.parquet", filesystem=arrow)
    assert pa.parquet.read_table(f"{folder}/a.parquet", filesystem=arrow).equals(table)
    assert pa.parquet.read_table(f"{folder}/a.parquet", filesystem=files).equals(table)
    with files.open(f"{folder}/a.parquet") as file:
        assert pa.parquet.ParquetFile(file).read_row_group(0).num_rows == ROWS
    parts = table.append_column("part", pa.array([n % 3 for n in range(ROWS)]))
    pa.dataset.write_dataset(
        parts, f"{folder}/set", format="parquet", partitioning=["part"], filesystem=arrow
    )
    found = pa.dataset.dataset(f"{folder}/set", partitioning=["part"], filesystem=arrow)
    assert found.count_rows(filter=pa.dataset.field("part") == 1) == ROWS // 3 + 1
    infos = arrow.get_file_info(pa.fs.FileSelector(f"{folder}/set", recursive=True))
    assert sum(info.type == pa.fs.FileType.Directory for info in infos) == 3
    (info,) = arrow.get_file_info([f"{folder}/a.parquet"])
    assert info.mtime is not None
    arrow.delete_dir(f"{folder}/set")
    assert arrow.get_file_info([f"{folder}/set"])[0].type == pa.fs.FileType.NotFound


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # in dask, of pandas
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_dask(frame: Any, options: dict[str, Any], folder: str, scheduler: str) -> None:
    where = f"oss-sts://{folder}/{scheduler}"
    with dask.config.set(scheduler=scheduler, num_workers=2):
        tables: Any = dask.dataframe  # it is typed in part
        parts = tables.from_pandas(frame, npartitions=3)
        parts.to_csv(f"{where}/*.csv", index=False, storage_options=options)
        read = dask.dataframe.read_csv(f"{where}/*.csv", storage_options=options, blocksize=100_000)
        assert read.npartitions > 3
        assert int(read["n"].sum().compute()) == sum(range(ROWS))
        parts.to_parquet(f"{where}/set", storage_options=options)
        again = dask.dataframe.read_parquet(f"{where}/set", storage_options=options)
        assert again["name"].compute().tolist() == frame["name"].tolist()


def test_polars(frame: Any, files: OssStsFileSystem, folder: str) -> None:
    theirs = pl.from_pandas(frame)
    with files.open(f"{folder}/a.parquet", "wb") as file:
        theirs.write_parquet(file)
    with files.open(f"{folder}/a.parquet") as file:
        pl.testing.assert_frame_equal(pl.read_parquet(file), theirs)
    with files.open(f"{folder}/a.parquet") as file:
        lazy = pl.scan_parquet(file).filter(pl.col("n") > ROWS - 3)
        assert lazy.collect()["n"].to_list() == [ROWS - 2, ROWS - 1]
    with files.open(f"{folder}/a.csv", "wb") as file:
        theirs.write_csv(file)
    with files.open(f"{folder}/a.csv") as file:
        pl.testing.assert_frame_equal(pl.read_csv(file), theirs)


def test_a_dask_graph_has_no_secret(shared: Server, options: dict[str, Any], folder: str) -> None:
    pd.DataFrame({"n": [1]}).to_csv(f"oss-sts://{folder}/0.csv", storage_options=options)
    read = dask.dataframe.read_csv(f"oss-sts://{folder}/*.csv", storage_options=options)
    shown = str(dict(read.__dask_graph__()))
    lease = shared.lease(grant="everything")
    for secret in (KEYS["alice"], lease["AccessKeySecret"], lease["SecurityToken"]):
        assert secret not in shown
