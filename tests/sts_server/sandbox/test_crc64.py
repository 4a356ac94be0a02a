"""CRC-64 of two texts in a row, from the checksums of each."""

import fastcrc
from hypothesis import given
from hypothesis import strategies as st

from sts_server.sandbox.store.crc64 import combine


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_combined_as_if_read_in_one(first: bytes, second: bytes) -> None:
    xz = fastcrc.crc64.xz
    assert combine(xz(first), xz(second), len(second)) == xz(first + second)


def test_the_documented_check_value() -> None:
    xz = fastcrc.crc64.xz
    assert combine(xz(b"1234"), xz(b"56789"), 5) == 11051210869376104954
