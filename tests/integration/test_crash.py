"""A sandbox that is killed while it writes: what it acknowledged is there, nothing else is left.

Writers of three kinds put and delete, append, and upload in parts, each on keys of its own; the
kernel ends the program at a moment that chance picks; the next run has to hold, for each key, the
last state that was acknowledged, or the one that was being written when the end came.
"""

import random
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.integration.crash import FOLDER, Found, Line, Writer, bytes_of, crash, digest_of

SIZES = (0, 1, 4096, 300_000, 3_000_000)
KEYS = 3
PIECE_SIZES = (1, 4096, 100_000)
PART_BYTES = 100 * 1024
PARTS = 3


@dataclass
class Putter:
    """Puts and deletes whole objects.

    Attributes:
        name: In every key.
        sure: MD5 by key as acknowledged; None for a key that is not there.
        perhaps: The write under way when the end came: key and MD5.
    """

    name: str
    sure: dict[str, str | None] = field(default_factory=dict)
    perhaps: tuple[str, str | None] | None = None
    version: int = 0

    def work(self, line: Line) -> None:
        while True:
            self.version += 1
            key = f"{FOLDER}{self.name}/{self.version % KEYS}"
            if self.version % 5 == 0:
                self.perhaps = key, None
                line.ask("DELETE", key)
            else:
                body = bytes_of(f"{key} {self.version}", SIZES[self.version % len(SIZES)])
                self.perhaps = key, digest_of(body)
                line.ask("PUT", key, body=body)
            self.sure[key], self.perhaps = self.perhaps[1], None

    def settle(self, found: Found) -> None:
        mine = {k: v for k, v in found.objects.items() if k.startswith(f"{FOLDER}{self.name}/")}
        for key, digest in self.sure.items():
            allowed = {digest}
            if self.perhaps is not None and self.perhaps[0] == key:
                allowed.add(self.perhaps[1])
            assert mine.get(key) in allowed, key
        begun = {self.perhaps[0]} if self.perhaps else set()
        assert set(mine) <= set(self.sure) | begun
        self.sure = {key: mine.get(key) for key in {*self.sure, *mine}}
        self.perhaps = None


@dataclass
class Appender:
    """Appends pieces to one object.

    Attributes:
        name: In its key.
        pieces: How many were acknowledged.
        whole: All of them in a row.
    """

    name: str
    pieces: int = 0
    whole: bytes = b""

    @property
    def key(self) -> str:
        return f"{FOLDER}{self.name}"

    def piece(self) -> bytes:
        return bytes_of(f"{self.key} {self.pieces}", PIECE_SIZES[self.pieces % len(PIECE_SIZES)])

    def work(self, line: Line) -> None:
        while True:
            piece = self.piece()
            line.ask("POST", self.key, f"?append&position={len(self.whole)}", piece)
            self._take(piece)

    def settle(self, found: Found) -> None:
        there, more = found.objects.get(self.key), self.piece()
        if there is None:
            assert not self.pieces
            return
        if there == digest_of(self.whole + more):
            self._take(more)
        assert there == digest_of(self.whole), self.key

    def _take(self, piece: bytes) -> None:
        self.whole += piece
        self.pieces += 1


@dataclass
class Uploader:
    """Uploads one object in parts, over and over; an upload goes on behind a kill.

    Attributes:
        name: In its key.
        whole: MD5 of the object as it was acknowledged, if it was.
        upload: The upload under way, if there is one.
        parts: The MD5s of its parts as acknowledged.
        perhaps: What was under way when the end came: a part's number, 0 for the end of the
            upload, -1 for its beginning; and the MD5 of the part or of the object to be.
        strays: Uploads whose beginning was never acknowledged.
    """

    name: str
    whole: str | None = None
    upload: str = ""
    parts: dict[int, str] = field(default_factory=dict)
    perhaps: tuple[int, str] | None = None
    strays: set[str] = field(default_factory=set)
    version: int = 0

    @property
    def key(self) -> str:
        return f"{FOLDER}{self.name}"

    def part(self, number: int) -> bytes:
        return bytes_of(f"{self.key} {self.version} {number}", PART_BYTES + self.version)

    def work(self, line: Line) -> None:
        while True:
            if not self.upload:
                self.perhaps = -1, ""
                answer = line.ask("POST", self.key, "?uploads", b"")
                self.upload = ET.fromstring(answer).findtext("UploadId", "")
            for number in range(1, PARTS + 1):
                part = self.part(number)
                self.perhaps = number, digest_of(part)
                line.ask("PUT", self.key, f"?partNumber={number}&uploadId={self.upload}", part)
                self.parts[number] = digest_of(part)
            whole = b"".join(map(self.part, range(1, PARTS + 1)))
            self.perhaps = 0, digest_of(whole)
            listed = "".join(
                f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"
                for number, tag in self.parts.items()
            )
            document = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>"
            line.ask("POST", self.key, f"?uploadId={self.upload}", document.encode())
            self._completed(digest_of(whole))

    def settle(self, found: Found) -> None:
        mine = {name: parts for (key, name), parts in found.uploads.items() if key == self.key}
        number, digest = self.perhaps or (-1, "")
        if self.upload and self.upload not in mine:
            assert number == 0, "an upload is lost"
            self._completed(digest)
        assert found.objects.get(self.key) == self.whole
        if self.upload:
            there = mine.pop(self.upload)
            for one, tag in self.parts.items():
                assert there[one] in ({tag, digest} if one == number else {tag})
            assert set(there) <= {*self.parts, number}
            self.parts = dict(there)
        begun = set(mine) - self.strays
        assert len(begun) <= (number == -1)
        assert not any(mine.values())
        self.strays |= begun
        self.perhaps = None

    def _completed(self, digest: str) -> None:
        self.whole, self.upload, self.parts, self.perhaps = digest, "", {}, None
        self.version += 1


def everyone() -> list[Writer]:
    """Give writers of each kind."""
    return [
        *(Putter(f"put{number}") for number in range(3)),
        *(Appender(f"append{number}") for number in range(2)),
        *(Uploader(f"upload{number}") for number in range(2)),
    ]


def test_killed_a_few_times(tmp_path: Path) -> None:
    crash(tmp_path / "data", everyone(), seed=1, rounds=4)


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_killed_many_times(tmp_path: Path) -> None:
    crash(tmp_path / "data", everyone(), seed=random.randrange(2**32), rounds=100)  # noqa: S311 - no secret
