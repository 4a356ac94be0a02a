"""An identity: who STS says that we are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """What GetCallerIdentity tells of our own key.

    Attributes:
        account: the number of the account.
        arn: such as `acs:ram::1234567890123456:user/vend`.
        kind: such as `RAMUser` or `AssumedRoleUser`.
    """

    account: str
    arn: str
    kind: str

    @property
    def is_root(self) -> bool:
        """Whether it is the account itself. The spelling of its kind is not documented."""
        return self.kind == "Account" or self.arn.endswith(":root")
