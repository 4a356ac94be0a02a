"""Everybody is one caller: for development on one machine, where nobody has to prove anything."""

from sts_server.proof import Proof
from sts_server.scope import Caller

DEV = Caller("dev")


class Everybody:
    """Stands in for the desk; what it lets in must come from this machine (`http/local.py`)."""

    async def authenticate(self, _: Proof) -> Caller:
        """Call whoever asks `dev`."""
        return DEV
