"""The decision of RAM: may this request pass these policies? Explicit denial wins."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sts_server.sandbox.ram.document import Policy, Statement


@dataclass(frozen=True)
class Resource:
    """What a request touches: the parts of `acs:{service}:{region}:{account}:{name}`.

    Attributes:
        service: `oss` or `ram`.
        region: A region id, or empty for services that know none. A policy may write it as
            `cn-hangzhou` or `oss-cn-hangzhou`; which one OSS compares is undocumented.
        account: The account id of the owner.
        name: For OSS `bucket`, `bucket/key` or `*`.
    """

    service: str
    region: str
    account: str
    name: str


@dataclass(frozen=True)
class Access:
    """One action on one resource, with the condition keys that the request carries."""

    action: str
    resource: Resource
    context: Mapping[str, str] = field(default_factory=dict)


def allows(policies: Iterable[Policy], access: Access) -> bool:
    """Decide over identity or session policies taken together.

    Args:
        policies: Every policy of one kind that applies to the caller.
        access: What the caller wants to do.

    Returns:
        True when some statement allows it and none denies it.
    """
    return _decide((s for p in policies for s in p.statements if _covers(s, access)), access)


def trusts(policy: Policy, identity_arn: str, account: str, access: Access) -> bool:
    """Decide over the trust policy of a role.

    Args:
        policy: The trust policy.
        identity_arn: ARN of the caller.
        account: Account id of the caller; `acs:ram::{account}:root` stands for all its identities.
        access: `sts:AssumeRole` with its condition keys; the resource is the role itself.
    """
    names = {identity_arn, f"acs:ram::{account}:root"}
    named = (s for s in policy.statements if names.intersection(s.principals))
    return _decide(named, access)


def _decide(statements: Iterable[Statement], access: Access) -> bool:
    allowed = False
    for statement in statements:
        if not any(pattern.fullmatch(access.action) for pattern in statement.actions):
            continue
        if not all(c.holds(access.context, deny=statement.deny) for c in statement.conditions):
            continue
        if statement.deny:
            return False
        allowed = True
    return allowed


def _covers(statement: Statement, access: Access) -> bool:
    resource = access.resource
    for service, region, account, name in statement.resources:
        if (
            service.fullmatch(resource.service)
            and (region.fullmatch(resource.region) or region.fullmatch(f"oss-{resource.region}"))
            and account.fullmatch(resource.account)
            and name.fullmatch(resource.name)
        ):
            return True
    return False
