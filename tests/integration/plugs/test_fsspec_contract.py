"""fsspec's own tests of a file system, unmodified."""

from collections.abc import Callable, Iterator

import pytest
from fsspec.tests.abstract import (
    AbstractCopyTests,
    AbstractFixtures,
    AbstractGetTests,
    AbstractOpenTests,
    AbstractPipeTests,
    AbstractPutTests,
)

from sts_client.plugs.fsspec import OssStsFileSystem


class Ours(AbstractFixtures):  # type: ignore[misc]  # fsspec has no types
    @pytest.fixture
    def fs(self, files: OssStsFileSystem) -> OssStsFileSystem:
        return files

    @pytest.fixture
    def fs_path(self, fs: OssStsFileSystem, folder: str) -> Iterator[str]:
        yield folder
        if fs.exists(folder):
            fs.rm(folder, recursive=True)

    @pytest.fixture
    def fs_join(self) -> Callable[..., str]:
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return False


class TestCopy(Ours, AbstractCopyTests):  # type: ignore[misc]  # fsspec has no types
    pass


class TestGet(Ours, AbstractGetTests):  # type: ignore[misc]  # fsspec has no types
    pass


class TestOpen(Ours, AbstractOpenTests):  # type: ignore[misc]  # fsspec has no types
    pass


class TestPipe(Ours, AbstractPipeTests):  # type: ignore[misc]  # fsspec has no types
    pass


class TestPut(Ours, AbstractPutTests):  # type: ignore[misc]  # fsspec has no types
    pass
