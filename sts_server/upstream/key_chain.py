"""Finds our own key by the official default chain, with the providers of alibabacloud-credentials.

They are put in a row here, in the library's own order, rather than by its default provider: so each
is told the environment that we were told, is given time-outs, and starts no thread of its own.
"""

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from alibabacloud_credentials.http import HttpOptions
from alibabacloud_credentials.provider import (
    CLIProfileCredentialsProvider,
    EcsRamRoleCredentialsProvider,
    OIDCRoleArnCredentialsProvider,
    ProfileCredentialsProvider,
    URLCredentialsProvider,
)
from Tea.exceptions import RetryError

from sts_server.access_key import AccessKey, KeySources, OidcRole
from sts_server.errors import KeyNotFound
from sts_server.upstream.failures import kind

CONNECT: Final = 2.0
"""Seconds to reach whoever gives a key."""
READ: Final = 4.0
"""Seconds to wait for an answer of theirs."""
METADATA: Final = 1.0
"""Seconds for each of the few questions to the metadata service: it is next door, or not there."""

_METADATA: Final = "ECS metadata"

_Provider = Any  # the library has no types
_Step = tuple[str, Callable[[], _Provider]]  # where, and how


class KeyChain:
    """Asks one place after the other; the one that gave a key is asked again for the next."""

    def __init__(self, sources: KeySources, sts_endpoint: str) -> None:
        """Take the places.

        Args:
            sources: where to look.
            sts_endpoint: where a token in a file is turned into a key; with its scheme.
        """
        _silence()
        self._sources = sources
        self._sts = sts_endpoint
        self._found: _Provider | None = None
        # Unless a role is named, a metadata service that does not answer is none.
        self._unlikely = _METADATA if sources.ecs is not None and not sources.ecs.name else None

    def find(self) -> AccessKey:
        """Give the key as it is now; the library renews it 15 minutes before it is over.

        Raises:
            KeyNotFound: no place has one; it names them all. Never with a text of the library's,
                which may hold a whole answer.
        """
        if self._found is not None:
            try:
                return _key(self._found)
            except Exception as error:  # noqa: BLE001 - the library lets everything out
                raise KeyNotFound(
                    f"our key cannot be renewed: {_why(error)}", may_pass=True
                ) from None
        tried: list[str] = []
        may_pass = False
        for place, make in self._steps():
            try:
                provider = make()
                key = _key(provider)
            except Exception as error:  # noqa: BLE001 - the same
                tried.append(f"{place} ({_why(error)})")
                may_pass = may_pass or (_is_away(error) and place != self._unlikely)
            else:
                self._found = provider
                return key
        raise KeyNotFound(
            "no key of our own: ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET "
            f"are not set; looked in vain in {', '.join(tried) or 'no other place'}",
            may_pass=may_pass,
        )

    def forget(self) -> None:
        """Look everywhere again the next time."""
        self._found = None

    def _steps(self) -> Iterator[_Step]:
        at = self._sources
        options = HttpOptions(connect_timeout=int(CONNECT * 1000), read_timeout=int(READ * 1000))
        if at.oidc is not None:
            yield _oidc_step(at.oidc, self._sts, options)
        for file, name, provider in (
            (at.cli_file, "the CLI's", CLIProfileCredentialsProvider),
            (at.sdk_file, "the SDKs'", ProfileCredentialsProvider),
        ):
            if file is not None:
                yield _file_step(file, name, provider, at.profile)
        if at.ecs is not None:
            ecs = at.ecs
            near = HttpOptions(
                connect_timeout=int(METADATA * 1000), read_timeout=int(METADATA * 1000)
            )
            yield (
                _METADATA,
                lambda: EcsRamRoleCredentialsProvider(
                    role_name=ecs.name or "",
                    disable_imds_v1=ecs.only_v2,
                    http_options=near,
                    async_update_enabled=False,
                ),
            )
        if at.uri is not None:
            uri = at.uri
            yield (
                "ALIBABA_CLOUD_CREDENTIALS_URI",
                lambda: URLCredentialsProvider(uri=uri, http_options=options),
            )


def _oidc_step(role: OidcRole, endpoint: str, options: HttpOptions) -> _Step:
    def make() -> _Provider:
        role.token_file.read_bytes()  # the library's own error would look like one of STS
        return OIDCRoleArnCredentialsProvider(
            role_arn=role.role_arn,
            oidc_provider_arn=role.provider_arn,
            oidc_token_file_path=str(role.token_file),
            role_session_name=role.session_name or "sts-server",
            # With https:// in front it would be sent, and refused, as the name of a host.
            sts_endpoint=endpoint.removeprefix("https://"),
            http_options=options,
        )

    return "ALIBABA_CLOUD_OIDC_TOKEN_FILE", make


def _file_step(file: Path, whose: str, provider: _Provider, profile: str | None) -> _Step:
    def make() -> _Provider:
        file.read_bytes()  # the same: a file that is missing is told from one that is wrong
        return provider(profile_file=str(file), profile_name=profile)

    return f"{whose} profiles", make


def _key(provider: _Provider) -> AccessKey:
    given = provider.get_credentials()
    key_id, secret = given.get_access_key_id(), given.get_access_key_secret()
    if not (isinstance(key_id, str) and key_id and isinstance(secret, str) and secret):
        raise ValueError
    return AccessKey(key_id, secret, given.get_security_token() or None)


def _is_away(error: Exception) -> bool:
    """Whether somebody did not answer, who may do so in a moment."""
    status = _status(error)
    return isinstance(error, RetryError) or (status is not None and status >= 500)  # noqa: PLR2004 - the first status of the server's own faults


def _status(error: Exception) -> int | None:
    found = re.search(r"http_?code[=:] ?(\d{3})\b", str(error), re.IGNORECASE)
    return int(found[1]) if found else None


def _why(error: Exception) -> str:
    """Tell what was wrong without the library's text: at most a status, or what is plain."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    status = _status(error)
    return kind(error) if status is None else f"answered {status}"


def _silence() -> None:
    """Take away the loggers' voices: they print whole answers, and addresses with tokens."""
    for name in ("credentials", "alibabacloud-tea", "apscheduler", "urllib3"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.CRITICAL + 1)
