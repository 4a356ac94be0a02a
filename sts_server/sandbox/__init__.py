"""A local Alibaba Cloud (STS and OSS) that enforces signatures, expiry and policies.

`Sandbox` runs it as a program of its own; importing this needs nothing but the standard library.
"""

from sts_server.sandbox.errors import ControlError as ControlError
from sts_server.sandbox.errors import SandboxError as SandboxError
from sts_server.sandbox.errors import StartError as StartError
from sts_server.sandbox.handle import Sandbox as Sandbox

__all__ = ["ControlError", "Sandbox", "SandboxError", "StartError"]
