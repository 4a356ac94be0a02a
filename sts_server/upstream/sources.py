"""Chooses where our own key is found: it is given by the environment, or the chain looks for it."""

from sts_server.access_key import AccessKey, KeySources
from sts_server.upstream.own_key import Source


def source_of(sources: KeySources, sts_endpoint: str) -> Source:
    """Give the source that an environment describes; nothing is looked for yet."""
    if sources.key is not None:
        return GivenKey(sources.key)
    # Not imported where the key is given: it takes 0.3 s, and changes the process's loggers.
    from sts_server.upstream.key_chain import KeyChain  # noqa: PLC0415 - as said above

    return KeyChain(sources, sts_endpoint)


class GivenKey:
    """A source that was given the key, once and for all."""

    def __init__(self, key: AccessKey) -> None:
        self._key = key

    def find(self) -> AccessKey:
        """Give it."""
        return self._key

    def forget(self) -> None:
        """Do nothing: there is no other."""
