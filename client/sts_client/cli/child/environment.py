"""The environment of a child: nothing in it wins over the credentials URI. Pure.

The official readers look for keys in an order, and the URI comes last: variables, a role by token,
the CLI's profile, a credentials file, the instance's metadata, and only then the URI
(``DefaultCredentialsProvider`` of alibabacloud-credentials and of @alicloud/credentials).
"""

from collections.abc import Mapping
from typing import Final

PREFIXES: Final = ("ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_", "ALIYUN_", "OSS_")
"""Of what is taken away: keys of any generation of SDKs and tools, and our own token."""

_PROXY: Final = "http_proxy"
_DIRECT: Final = ("NO_PROXY", "no_proxy")
_LOOPBACK: Final = "127.0.0.1"


def environment(environ: Mapping[str, str], uri: str) -> dict[str, str]:
    """Return the environment in which a program finds its keys at a URI, and nowhere else.

    Args:
        environ: that of this process.
        uri: on this machine.
    """
    kept = {
        name: value
        for name, value in environ.items()
        # The Python reader would ask this proxy for the URI, whatever NO_PROXY says.
        if not name.upper().startswith(PREFIXES) and name.lower() != _PROXY
    }
    for name in _DIRECT:
        kept[name] = ",".join(filter(None, (environ.get(name, ""), _LOOPBACK)))
    return kept | {
        "ALIBABA_CLOUD_CREDENTIALS_URI": uri,
        # ~/.aliyun/config.json
        "ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true",
        # In place of ~/.alibabacloud/credentials(.ini), which no variable turns off: a file that
        # can be read and holds nothing.
        "ALIBABA_CLOUD_CREDENTIALS_FILE": "/dev/null",
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        "ALIBABA_CLOUD_IMDSV1_DISABLED": "true",
    }
