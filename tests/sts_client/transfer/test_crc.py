"""The CRC-64 of a whole is that of its parts, however it is cut."""

from fastcrc import crc64
from hypothesis import given, settings
from hypothesis import strategies as st

from sts_client.transfer.crc import combined


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_it_is_as_if_read_at_once(parts: list[bytes]) -> None:
    assert combined((crc64.xz(part), len(part)) for part in parts) == crc64.xz(b"".join(parts))


@settings(deadline=None)  # the first of each length is worked out, the others remembered
@given(st.integers(0, 50), st.binary(max_size=20), st.binary(max_size=20))
def test_long_parts_cost_no_reading(power: int, first: bytes, last: bytes) -> None:
    # So many zeros that nobody would write them, twice over: the way to them does not matter.
    zeros = (combined([(crc64.xz(b"\0"), 1)] * 2), 2)
    length = 2
    for _ in range(power):
        zeros = (combined([zeros, zeros]), length * 2)
        length *= 2
    parts = [(crc64.xz(first), len(first)), zeros, (crc64.xz(last), len(last))]
    nested = [(combined(parts[:2]), len(first) + length), parts[2]]
    assert combined(parts) == combined(nested)


def test_the_check_value() -> None:
    assert combined([(crc64.xz(b"1234"), 4), (crc64.xz(b"56789"), 5)]) == 11051210869376104954
