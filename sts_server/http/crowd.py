"""The crowd: how many connections are open, and how many of them one address holds."""

from collections import Counter
from typing import Final

from sts_server.http.peers import Peers

_SHARE: Final = 10
"""One address may hold this part of all connections: ten of them are needed to take every place."""


class Crowd:
    """Counts connections. For use on one event loop."""

    def __init__(self, most: int, peers: Peers) -> None:
        """Let `most` in at the same time, and a tenth of them from one address that is counted."""
        self.most = most
        self.of_one = max(1, most // _SHARE)
        self._peers = peers
        self._open = 0
        self._of: Counter[str] = Counter()

    def enter(self, peer: str) -> bool:
        """Let one more in, if there is room; what comes in must `leave`."""
        name = self._peers.name(peer)
        if self._open >= self.most or (name is not None and self._of[name] >= self.of_one):
            return False
        self._open += 1
        if name is not None:
            self._of[name] += 1
        return True

    def leave(self, peer: str) -> None:
        """Let one out that had come in."""
        self._open -= 1
        name = self._peers.name(peer)
        if name is not None:
            self._of[name] -= 1
            if not self._of[name]:
                del self._of[name]

    def __len__(self) -> int:
        return self._open
