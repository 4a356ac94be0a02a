"""The CRC-64 of a whole, from those of its parts: no byte is read twice.

The method of zlib's ``crc32_combine``: to append zeros is a linear map over GF(2), whose powers of
two are found by squaring. The polynomial is that of CRC-64/XZ, which OSS uses, reflected.
"""

from collections.abc import Iterable
from functools import lru_cache

_POLYNOMIAL = 0xC96C5795D7870F42
_BITS = 64

_Matrix = tuple[int, ...]
"""Of GF(2): each number is where one bit leads."""


def combined(parts: Iterable[tuple[int, int]]) -> int:
    """Return the CRC-64 of bytes that come in parts.

    Args:
        parts: the CRC-64 and the length in bytes of each, in order.
    """
    crc = 0
    for following, length in parts:
        crc = _times(_zeros(length), crc) ^ following if length else crc
    return crc


@lru_cache(maxsize=8)  # all parts but the last are of one length
def _zeros(length: int) -> _Matrix:
    """Return what so many zero bytes do to a CRC."""
    one_bit = (_POLYNOMIAL, *(1 << bit for bit in range(_BITS - 1)))
    power = one_bit
    for _ in range(3):  # eight bits are a byte
        power = _squared(power)
    result: _Matrix | None = None
    while length:
        if length & 1:
            result = power if result is None else tuple(_times(power, row) for row in result)
        length >>= 1
        if length:
            power = _squared(power)
    return result or tuple(1 << bit for bit in range(_BITS))


def _squared(matrix: _Matrix) -> _Matrix:
    return tuple(_times(matrix, row) for row in matrix)


def _times(matrix: _Matrix, vector: int) -> int:
    found = 0
    for row in matrix:
        if vector & 1:
            found ^= row
        vector >>= 1
    return found
