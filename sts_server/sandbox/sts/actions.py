"""The actions of STS: AssumeRole, AssumeRoleWithOIDC, GetCallerIdentity (STS API reference)."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sts_server.sandbox.accounts import Accounts, Identity, Role, Session, User, permitted
from sts_server.sandbox.clock import Clock, iso
from sts_server.sandbox.errors import PolicyError
from sts_server.sandbox.ram.decision import Access, Resource, trusts
from sts_server.sandbox.ram.document import Policy, parse_policy
from sts_server.sandbox.sts.errors import StsError, invalid, no_permission
from sts_server.sandbox.sts.oidc import Provider, verify
from sts_server.sandbox.sts.parameters import required

MIN_DURATION = timedelta(minutes=15)
DEFAULT_DURATION = timedelta(hours=1)
MAX_POLICY = 2048
ROLE_ARN = re.compile(r"acs:ram::\d+:role/[A-Za-z0-9.-]{1,64}", re.ASCII)
SESSION_NAME = re.compile(r"[a-zA-Z0-9.@_-]{2,64}")
SOURCE_IDENTITY = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)

COMMON = frozenset(
    {
        "AccessKeyId",
        "Action",
        "Format",
        "RegionId",
        "SecurityToken",
        "Signature",
        "SignatureMethod",
        "SignatureNonce",
        "SignatureType",
        "SignatureVersion",
        "Timestamp",
        "Version",
    }
)
PARAMETERS: Mapping[str, frozenset[str]] = {
    "AssumeRole": frozenset(
        {"DurationSeconds", "ExternalId", "Policy", "RoleArn", "RoleSessionName", "SourceIdentity"}
    ),
    "AssumeRoleWithOIDC": frozenset(
        {
            *("DurationSeconds", "OIDCProviderArn", "OIDCToken", "Policy", "RoleArn"),
            "RoleSessionName",
        }
    ),
    "GetCallerIdentity": frozenset(),
}


def check_names(action: str, parameters: Mapping[str, str]) -> None:
    """Refuse parameters that an action does not understand, rather than ignore them.

    Raises:
        StsError: There is one.
    """
    for name in parameters:
        if name not in COMMON | PARAMETERS[action]:
            raise StsError(400, "InvalidParameter", f"The sandbox does not implement {name}.")


def assume_role(
    identity: Identity, parameters: Mapping[str, str], accounts: Accounts, clock: Clock
) -> dict[str, Any]:
    """AssumeRole: temporary keys of a role, narrowed by a session policy.

    Args:
        identity: The proven caller.
        parameters: The parameters of the call.
        accounts: Where the role is, and where the session goes.
        clock: Virtual time, for conditions.

    Returns:
        The answer without its RequestId.

    Raises:
        StsError: A parameter is wrong, or the caller may not assume the role.
    """
    arn, name = _role_and_name(parameters)
    external_id = parameters.get("ExternalId")
    if external_id is not None and not EXTERNAL_ID.fullmatch(external_id):
        raise invalid("ExternalId", "The parameter ExternalId is wrongly formed.")
    source = parameters.get("SourceIdentity")
    if source is not None and not SOURCE_IDENTITY.fullmatch(source):
        raise invalid("SourceIdentity", "The parameter SourceIdentity is wrongly formed.")
    policy = _session_policy(parameters.get("Policy"))
    role = accounts.role(arn)
    if not _may_assume(identity, arn, role, external_id, clock):
        raise no_permission()
    if role is None:
        raise StsError(404, "EntityNotExist.Role", "The specified Role not exists.")
    duration = _duration(parameters.get("DurationSeconds"), role)
    echo = {} if source is None else {"SourceIdentity": source}
    return {**echo, **_opened(accounts.assume(role, name, duration, policy))}


def assume_role_with_oidc(
    providers: Mapping[str, Provider],
    parameters: Mapping[str, str],
    accounts: Accounts,
    clock: Clock,
) -> dict[str, Any]:
    """AssumeRoleWithOIDC: the same for whoever holds an identity token that the role trusts.

    Args:
        providers: The OIDC providers by ARN.
        parameters: The parameters of the call, which is not signed.
        accounts: Where the role is, and where the session goes.
        clock: Real time judges the token, virtual time is for conditions.

    Returns:
        The answer without its RequestId.

    Raises:
        StsError: A parameter or the token is wrong, or the role does not trust it.
    """
    arn, name = _role_and_name(parameters)
    provider_arn = required(parameters, "OIDCProviderArn")
    token = required(parameters, "OIDCToken")
    policy = _session_policy(parameters.get("Policy"))
    provider = providers.get(provider_arn)
    if provider is None:
        raise StsError(
            404, "EntityNotExist.OIDCProvider", "The specified OIDC Provider not exists."
        )
    proven = verify(provider, token, clock.real())
    role = accounts.role(arn)
    if role is None:
        raise StsError(404, "EntityNotExist.Role", "The specified Role not exists.")
    context = {"acs:CurrentTime": iso(clock.now()), **proven.context}
    access = Access("sts:AssumeRole", Resource("ram", "", role.account, role.name), context)
    # No account: a token is none of the identities that `root` stands for.
    if not trusts(role.trust, provider.arn, "", access):
        raise no_permission()
    duration = _duration(parameters.get("DurationSeconds"), role)
    session = accounts.assume(role, name, duration, policy)
    return {**_opened(session), "OIDCTokenInfo": proven.answer}


def get_caller_identity(identity: Identity) -> dict[str, Any]:
    """GetCallerIdentity: who the caller is; needs no permission.

    Args:
        identity: The proven caller.

    Returns:
        The answer without its RequestId.
    """
    answer = {
        "AccountId": identity.account,
        "Arn": identity.arn,
        "PrincipalId": identity.principal_id,
    }
    if isinstance(identity, Session):
        return {**answer, "IdentityType": "AssumedRoleUser", "RoleId": identity.role.role_id}
    return {**answer, "IdentityType": "RAMUser", "UserId": identity.principal_id}


def _role_and_name(parameters: Mapping[str, str]) -> tuple[str, str]:
    arn = required(parameters, "RoleArn")
    if not ROLE_ARN.fullmatch(arn):
        raise invalid("RoleArn", "The parameter RoleArn is wrongly formed.")
    name = required(parameters, "RoleSessionName")
    if not SESSION_NAME.fullmatch(name):
        raise invalid("RoleSessionName", "The parameter RoleSessionName is wrongly formed.")
    return arn, name


def _opened(session: Session) -> dict[str, Any]:
    return {
        "AssumedRoleUser": {"Arn": session.arn, "AssumedRoleId": session.principal_id},
        "Credentials": {
            "AccessKeyId": session.access_key_id,
            "AccessKeySecret": session.access_key_secret,
            "SecurityToken": session.security_token,
            "Expiration": iso(session.expiration),
        },
    }


def _session_policy(text: str | None) -> Policy | None:
    if text is None:
        return None
    if len(text) > MAX_POLICY:
        raise invalid("PolicySize", f"The size of Policy must be smaller than {MAX_POLICY} bytes.")
    try:
        return parse_policy(text)
    except PolicyError as error:
        raise invalid(
            "PolicyGrammar", f"The parameter Policy has not passed grammar check: {error}."
        ) from None


def _duration(text: str | None, role: Role) -> timedelta:
    if not text:
        return DEFAULT_DURATION
    seconds = int(text) if re.fullmatch(r"\d{1,6}", text, re.ASCII) else 0
    duration = timedelta(seconds=seconds)
    if not MIN_DURATION <= duration <= role.max_duration:
        hours = role.max_duration // timedelta(hours=1)
        raise invalid(
            "DurationSeconds", f"The Min/Max value of DurationSeconds is 15min/{hours}hr."
        )
    return duration


def _may_assume(
    identity: Identity, arn: str, role: Role | None, external_id: str | None, clock: Clock
) -> bool:
    """Ask both sides: the caller's own policies, and the trust policy if the role exists."""
    account, _, name = arn.removeprefix("acs:ram::").partition(":")
    context = {"acs:CurrentTime": iso(clock.now()), "acs:AccessId": identity.access_key_id}
    if external_id is not None:
        context["sts:ExternalId"] = external_id
    access = Access("sts:AssumeRole", Resource("ram", "", account, name), context)
    if not permitted(identity, access):
        return False
    if role is None:
        return True
    caller = identity.arn if isinstance(identity, User) else identity.role.arn
    return trusts(role.trust, caller, identity.account, access)
