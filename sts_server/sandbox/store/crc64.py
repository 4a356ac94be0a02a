"""CRC-64/XZ of two byte strings in a row, from the checksums of each: nothing is read again. Pure.

Appending n zero bytes to a message multiplies its CRC, as a polynomial over GF(2), by x^(8n)
modulo the polynomial of ECMA-182. Initial value and final inversion of the two parts cancel out.
"""

from functools import lru_cache

POLYNOMIAL = 0xC96C5795D7870F42  # ECMA-182, bit-reversed: the highest bit is x^0
ONE = 1 << 63
X8 = ONE >> 8  # one byte


def combine(first: int, second: int, length: int) -> int:
    """Give the checksum of A + B.

    Args:
        first: Checksum of A.
        second: Checksum of B.
        length: Bytes in B.
    """
    return _times(first, _power(length)) ^ second


@lru_cache(maxsize=64)  # the parts of one object are all but one of the same size
def _power(exponent: int) -> int:
    """Raise x^8 to a power."""
    result, base = ONE, X8
    while exponent:
        if exponent & 1:
            result = _times(result, base)
        base = _times(base, base)
        exponent >>= 1
    return result


def _times(left: int, right: int) -> int:
    """Multiply two reflected polynomials modulo the polynomial."""
    product = 0
    while left:
        if left & ONE:
            product ^= right
        left = left << 1 & 0xFFFFFFFFFFFFFFFF
        right = right >> 1 ^ (POLYNOMIAL if right & 1 else 0)
    return product
