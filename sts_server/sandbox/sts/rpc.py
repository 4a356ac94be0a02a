"""The proof of an RPC call: parameters beside the ones of the action."""

from dataclasses import dataclass, field

from sts_server.sandbox.sts.call import Call
from sts_server.sandbox.sts.errors import StsError
from sts_server.sandbox.sts.parameters import required
from sts_server.sandbox.sts.signature import matches, string_to_sign


@dataclass(frozen=True)
class RpcProof:
    """A call whose parameters hold a V1 signature."""

    call: Call = field(repr=False)

    @property
    def access_key_id(self) -> str:
        """The `AccessKeyId`."""
        return required(self.call.parameters, "AccessKeyId")

    @property
    def timestamp(self) -> str:
        """The `Timestamp`, once the method of signing is known to be ours."""
        parameters = self.call.parameters
        if required(parameters, "SignatureMethod") != "HMAC-SHA1":
            raise StsError(400, "InvalidSignatureMethod", "The SignatureMethod is HMAC-SHA1.")
        if required(parameters, "SignatureVersion") != "1.0":
            message = "The SignatureVersion is 1.0."
            raise StsError(400, "InvalidParameter.SignatureVersion", message)
        return required(parameters, "Timestamp")

    @property
    def nonce(self) -> str:
        """The `SignatureNonce`."""
        return required(self.call.parameters, "SignatureNonce")

    @property
    def token(self) -> str | None:
        """The `SecurityToken`."""
        return self.call.parameters.get("SecurityToken")

    @property
    def text(self) -> str:
        """The text that is signed."""
        return string_to_sign(self.call.method, self.call.sent)

    def matches(self, secret: str) -> bool:
        """Say whether the call was signed with a secret."""
        required(self.call.parameters, "Signature")
        return matches(secret, self.call.method, self.call.sent)
