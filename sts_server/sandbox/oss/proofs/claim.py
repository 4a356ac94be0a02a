"""What a proof of any kind can be asked, so that the order of checks need not know the kinds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol


class Claim(Protocol):
    """One signed request: who it says it is from, and what would prove that."""

    @property
    def access_key_id(self) -> str:
        """The AccessKey id that the request claims to be signed with."""

    @property
    def token(self) -> str | None:
        """The security token that came along, or None."""

    @property
    def mismatch_ec(self) -> str:
        """The EC of a signature of this kind that is wrong."""

    def check(self, now: datetime, region: str) -> None:
        """Check what can be checked without the secret: date, expiry, scope.

        Args:
            now: Real time, aware.
            region: The region id that a scope must name.

        Raises:
            OssError: The request is too old, too new, or meant for somewhere else.
        """

    def matches(self, secret: str) -> bool:
        """Say whether the request was signed with a secret."""

    def evidence(self) -> Mapping[str, str]:
        """Give what a refusal shows of our own calculation: texts that were signed, no secret."""
