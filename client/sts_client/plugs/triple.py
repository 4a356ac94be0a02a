"""One lease's credentials with the getters that oss2 and alibabacloud-credentials call."""

from dataclasses import dataclass

from sts_client.credentials import Credentials

PROVIDER_NAME = "sts_client"
"""What alibabacloud SDKs tell the service about where credentials come from."""


@dataclass(frozen=True, slots=True)
class Triple:
    """Belongs together, never changes, shows its id alone and is not pickled."""

    credentials: Credentials

    def get_access_key_id(self) -> str:
        """Return the public part."""
        return self.credentials.access_key_id

    def get_access_key_secret(self) -> str:
        """Return what signs."""
        return self.credentials.access_key_secret

    def get_security_token(self) -> str:
        """Return what goes with each request."""
        return self.credentials.security_token

    def get_provider_name(self) -> str:
        """Return where it comes from."""
        return PROVIDER_NAME
