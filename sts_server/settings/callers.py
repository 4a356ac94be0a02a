"""`[callers]`: the ways to prove who is calling, and how their names are kept apart."""

from typing import Self

from pydantic import ValidationInfo, model_validator

from sts_server.settings.api_keys import ApiKeyTable
from sts_server.settings.forwarded import ForwardedTable
from sts_server.settings.oidc import OidcTable
from sts_server.settings.table import IdPrefix, Table
from sts_server.settings.webhook import WebhookTable


class CallersTable(Table):
    """`[callers]`.

    Attributes:
        api_key_id_prefix: what the ids and groups of API keys begin with in grants and prefixes.
    """

    api_key: tuple[ApiKeyTable, ...] = ()
    api_key_id_prefix: IdPrefix = ""
    forwarded: ForwardedTable | None = None
    webhook: WebhookTable | None = None
    oidc: tuple[OidcTable, ...] = ()

    @model_validator(mode="after")
    def _everyone_is_one(self, info: ValidationInfo) -> Self:
        insecure_dev = bool(info.context and info.context["insecure_dev"])
        if insecure_dev and self._id_prefixes:
            raise ValueError(
                "somebody can prove who they are, so --insecure-dev would only let others in: "
                "leave one of the two out"
            )
        if not insecure_dev and not self._id_prefixes:
            raise ValueError(
                "nobody can prove who they are: add a [[callers.api_key]] table "
                "(`sts-server new-key NAME` makes one), a [[callers.oidc]], a "
                "[callers.forwarded] or a [callers.webhook]; on your own machine --insecure-dev "
                "goes without"
            )
        if len({caller.id for caller in self.api_key}) < len(self.api_key):
            raise ValueError("two callers have the same id")
        digests = [key.digest for caller in self.api_key for key in caller.keys]
        if len(set(digests)) < len(digests):
            raise ValueError("two callers share a key, or one key is listed twice")
        if len({login.issuer for login in self.oidc}) < len(self.oidc):
            raise ValueError("two oidc tables have the same issuer: its tokens would fit both")
        return self

    @model_validator(mode="after")
    def _no_two_logins_share_names(self) -> Self:
        """Two logins that both know an `alice` must not share her folder."""
        logins = self._id_prefixes
        bare = [name for name, prefix in logins if not prefix]
        if len(bare) > 1:
            raise ValueError(
                f"{bare[0]} and {bare[1]} could both name the same caller: give all but one of "
                'them an id_prefix, such as "login:"'
            )
        for name, prefix in logins:
            for other, longer in logins:
                # "a" and "ab" are no better than the same: a + "bob" is ab + "ob".
                if prefix and name != other and longer.startswith(prefix):
                    raise ValueError(
                        f"the id_prefix of {other} begins like that of {name}: choose others"
                    )
        if not self.api_key_id_prefix:
            for key in self.api_key:
                for login, prefix in logins:
                    if prefix and any(it.startswith(prefix) for it in (key.id, *key.groups)):
                        raise ValueError(
                            f"api_key ({key.id}): its id or a group of it begins like those of "
                            f"{login}"
                        )
        return self

    @property
    def _id_prefixes(self) -> list[tuple[str, str]]:
        """Give each login that is configured, by its place, with its id_prefix."""
        return [
            *([("api_key", self.api_key_id_prefix)] if self.api_key else []),
            *([("forwarded", self.forwarded.id_prefix)] if self.forwarded else []),
            *([("webhook", self.webhook.id_prefix)] if self.webhook else []),
            *((f"oidc[{place}]", login.id_prefix) for place, login in enumerate(self.oidc)),
        ]
