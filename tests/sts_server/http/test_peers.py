"""Peers: who is one peer, who is many, who is nobody to be counted."""

import pytest

from sts_server.http.peers import Peers


@pytest.mark.parametrize(
    ("peer", "name"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_a_peer_is_counted_by_what_one_customer_is_given(peer: str, name: str) -> None:
    assert Peers().name(peer) == name


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        ("127.0.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("::1", False),
        ("10.1.2.3", False),
        ("11.1.2.3", True),
        ("::2", True),
    ],
)
def test_a_proxy_is_not_counted(peer: str, *, counted: bool) -> None:
    peers = Peers(["127.0.0.0/8", "::1/128", "10.0.0.0/8"])
    assert (peers.name(peer) is not None) is counted
