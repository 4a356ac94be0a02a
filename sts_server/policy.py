"""Turns a scope into the RAM session policy that bounds its lease: the security boundary.

How it may change: every policy that it can make stands in `tests/vectors/policies.json`; a change
here is a change there, and is read by somebody. It may become narrower; it never becomes wider for
a scope that stays the same.
"""

import json
from functools import lru_cache
from typing import Final

from sts_server.prefix import is_folder
from sts_server.scope import Action, Scope

LONGEST_POLICY: Final = 2048
"""Characters of a session policy (Alibaba Cloud, "AssumeRole")."""

_OBJECT_ACTIONS: Final[dict[Action, tuple[str, ...]]] = {
    "get": ("oss:GetObject",),
    # An upload in parts is ended and looked at by rights of its own.
    "put": ("oss:PutObject", "oss:AbortMultipartUpload", "oss:ListParts"),
    "delete": ("oss:DeleteObject",),
}


@lru_cache(maxsize=4096)  # most asks are for a scope that was asked for before
def session_policy(scope: Scope) -> str:
    """Write the policy for a scope: compact, deterministic, ASCII JSON.

    The prefix is one that `prefix.prefix_problem` found nothing wrong with: RAM has no escape, so
    nothing could be escaped here. A folder ends in `/` before the `*`, so `a/` never reaches `ab/`.
    """
    pattern = scope.prefix + ("*" if is_folder(scope.prefix) else "")
    statements: list[dict[str, object]] = []
    object_actions = [name for action in scope.actions for name in _OBJECT_ACTIONS.get(action, ())]
    if object_actions:
        statements.append(
            {
                "Effect": "Allow",
                "Action": object_actions,
                "Resource": [f"acs:oss:*:*:{scope.bucket}/{pattern}"],
            }
        )
    if "list" in scope.actions:
        statements.append(
            {
                "Effect": "Allow",
                "Action": ["oss:ListObjects"],
                "Resource": [f"acs:oss:*:*:{scope.bucket}"],
                "Condition": {"StringLike": {"oss:Prefix": [pattern]}},
            }
        )
    return json.dumps({"Version": "1", "Statement": statements}, separators=(",", ":"))
