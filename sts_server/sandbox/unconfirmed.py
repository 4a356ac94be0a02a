"""What nobody has written down about OSS, RAM and STS, and how the sandbox reads it: strictly.

Code that passes here leans on nothing that the real service may turn out not to do. Each line
says the question, then the reading; change it here when somebody has asked the real service.
"""

from collections.abc import Mapping

READINGS: Mapping[str, str] = {
    # RAM
    "case of action names": "exact in Allow, folded in Deny",
    "`?` in actions and resources": "one character",
    "region in an ARN": "`cn-hangzhou` and `oss-cn-hangzhou` both name it",
    "negated operator on a key the request lacks": "holds in Deny, fails in Allow",
    "policy variables `${...}`, NotAction, NotResource": "PolicyGrammar",
    "a resource whose star would span parts, `acs:oss:*`": "PolicyGrammar",
    "bytes or characters in the limit of 2048 for a session policy": "characters",
    # STS
    "a parameter that occurs twice": "InvalidParameter",
    "a parameter the action does not know": "InvalidParameter",
    "codes of a bad SecurityToken": "400 InvalidSecurityToken.Malformed and its siblings",
    "status of InvalidVersion": "400",
    "a role that does not exist": "NoPermission unless the caller may assume its name",
    "ACS3: `host` or an `x-acs-` header left unsigned": "400 IncompleteSignature",
    "codes of a bad OIDC token": "400 AuthenticationFail.OIDCToken.Invalid or .Expired",
    "OIDC token without iat, or from the future": "refused",
    # who asks OSS
    "STS key without token": "403 InvalidAccessKeyId, EC 0002-00000003",
    "scope date that differs from x-oss-date": "400 InvalidArgument, EC 0002-00000223",
    "header and query authentication at once": "400 InvalidArgument",
    "token in a header of a request whose URL is signed": "400 InvalidArgument, EC 0002-00000010",
    "V1 URL that lacks one of its three parameters": "403 AccessDenied",
    "V4 URL whose x-oss-date is over 15 minutes ahead": "403 RequestTimeTooSkewed",
    "EC of an expired URL": "0002-00000069",
    "x-oss-date of a V1 signature in ISO form": "403 AccessDenied, EC 0002-00000502",
    "listing of a public-read bucket by nobody": "403 AccessDenied, EC 0003-00000905",
    "a query parameter or a signed header that occurs twice": "400 InvalidArgument",
    # which bucket is meant
    "unsigned request whose path begins with the bucket that the host names": "path style",
    "path style on a real host name": "403 SecondLevelDomainForbidden",
    # forms
    "condition on a field that the form lacks": "does not hold, whatever the operator",
    "condition on a key with `${filename}`": "judges the name that comes out",
    "form field that occurs twice": "400 InvalidArgument",
    "most bytes of all fields of a form": "64 KB, then 400 FieldItemTooLong",
    "V4 field of a form that its policy does not pin": "400 InvalidArgument",
    "content type of a form upload": "x-oss-content-type, Content-Type, then the file's own",
    "form that ends before its last boundary": "400 MalformedPOSTRequest, nothing is kept",
    "size outside content-length-range": "400 EntityTooLarge or EntityTooSmall",
    # what is asked of OSS
    "parameter or x-oss- header unknown to the operation": "400 NotImplemented naming it",
    "If- headers on DELETE, POST and on listings": "400 NotImplemented, as on PUT",
    "several If- headers, of which one for 412 and one for 304 fail": "412",
    "`*`, lists and weak tags in If-Match": "RFC 9110; case is exact",
    "If-Unmodified-Since that is no date": "ignored",
    "headers of a 304": "none of the object",
    "several ranges in one header": "the whole object with 200",
    "standard suffix range longer than the object": "the whole object with 206",
    "x-oss-range-behavior other than standard": "400 InvalidArgument",
    "Content-MD5 that differs from the body": "400 InvalidDigest",
    "max-keys 0": "400 InvalidArgument",
    "start-after inside a common prefix": "the prefix is listed while keys behind it remain",
    "user metadata over 8 KB": "400 InvalidArgument",
    "ETag of a multipart object": "MD5 of the MD5s of its parts, and their number",
    "ETag of an appended object": "changes with every append, is no MD5",
    "right to the target of a symbolic link": "oss:GetObject is asked for it too",
    "DeleteMultipleObjects with one key denied": "403, and none is deleted",
    "DeleteMultipleObjects without Content-MD5": "400 MissingArgument",
    "x-oss-object-acl on a write": "needs oss:PutObjectAcl too",
    "tags that a copy takes along": "need oss:GetObjectTagging and oss:PutObjectTagging too",
    "copy of an appendable object or a symbolic link": "400 OperationNotSupported",
    "x-oss-copy-source-range that leaves the source": "416 InvalidRange",
    "unknown x-oss-copy-source- header": "ignored, for ali-oss repeats all headers so",
    "AppendObject without position": "400 MissingArgument, EC 0016-00000501",
    "AppendObject in a bucket with versioning": "400 NotImplemented",
    "preflight without Origin or method": "400 InvalidArgument",
    "Vary without ResponseVary": "Origin, when a rule without `*` matched",
    "CORS of bucket and service requests": "the rules of the bucket count; a service has none",
    "action of ListLiveChannel": "oss:ListLiveChannel",
    "version-id-marker of a version that is gone": "goes on with the next key",
}
