"""Whether STS is asked again: a table."""

import pytest

from sts_server.errors import (
    UpstreamFailure,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from sts_server.upstream.retry import pause

AWAY, SLOW, REFUSED = (
    kind("", hint="") for kind in (UpstreamUnavailable, UpstreamThrottled, UpstreamRefused)
)
NOT_ASKED = UpstreamUnavailable("", hint="", asked=False)
SHED = UpstreamThrottled("", hint="", asked=False)


@pytest.mark.parametrize(
    ("failure", "tries", "left", "chance", "seconds"),
    [
        (AWAY, 1, 6, 1.0, 0.2),
        (AWAY, 1, 6, 0.0, 0.0),
        (AWAY, 2, 6, 1.0, 0.4),
        (AWAY, 2, 6, 0.5, 0.2),
        (AWAY, 3, 6, 0.0, None),
        (SLOW, 1, 6, 1.0, 1.0),
        (SLOW, 1, 6, 0.1, 0.1),
        (SLOW, 2, 6, 0.0, None),
        (REFUSED, 1, 6, 0.0, None),
        (NOT_ASKED, 1, 6, 0.0, None),
        (SHED, 1, 6, 0.0, None),
        (AWAY, 1, 0.69, 1.0, None),
        (AWAY, 1, 0.71, 1.0, 0.2),
        (AWAY, 1, 0.4, 0.0, None),
        (AWAY, 1, -1, 0.0, None),
    ],
)
def test_again_or_not(
    failure: UpstreamFailure, tries: int, left: float, chance: float, seconds: float | None
) -> None:
    assert pause(failure, tries, left, chance) == seconds
