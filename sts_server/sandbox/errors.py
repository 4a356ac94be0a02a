"""Errors of the sandbox: one root, so that a caller can catch the whole house in one clause.

SandboxError
├── StartError                 the program did not come up                      (handle)
├── ControlError               a control call was refused                       (handle)
├── FaultError                 a fault rule cannot be used                      (faults)
├── SettingError               a start-up setting cannot be used                (service)
├── PolicyError                a RAM policy document is not understood          (ram)
├── DiskFullError              the data folder takes no more bytes              (store)
├── AlreadyExistsError         a write that forbids overwriting found the key   (store)
├── DisconnectedError          the client went away before its body was whole   (oss)
├── OssError                   a refusal in OSS's own words                     (oss.errors)
└── StsError                   a refusal in STS's own words                     (sts.errors)
"""


class SandboxError(Exception):
    """Root of everything that the sandbox raises on purpose."""


class StartError(SandboxError):
    """The sandbox program ended, or said nothing, before it was ready."""


class ControlError(SandboxError):
    """The control listener refused a call; the text is its own reason."""


class FaultError(SandboxError):
    """A fault rule cannot be used; the text says why in one line."""


class SettingError(SandboxError):
    """A start-up setting cannot be used; the text names it in one line."""


class PolicyError(SandboxError):
    """A RAM policy document is not understood, so it is refused instead of guessed at."""


class DiskFullError(SandboxError):
    """The data folder takes no more bytes; nothing of the write was kept."""


class AlreadyExistsError(SandboxError):
    """A write that forbids overwriting lost to an object that already has the key."""


class DisconnectedError(SandboxError):
    """The client went away before its whole body had arrived; there is nobody to answer."""
