"""The HTTP library, or one line that says how to get it."""

try:
    import httpx as httpx  # noqa: PLC0414 - handed on
except ModuleNotFoundError:
    missing = ModuleNotFoundError('sts_client.aio needs httpx: pip install "oss-sts[aio]"')
    raise missing from None
