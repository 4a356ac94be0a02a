"""A child process that stands in this one's place: its signals, its exit code, its terminal."""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from sts_client.cli.exits import CANNOT_RUN, NOT_FOUND, SIGNALLED, Failed

PASSED: Final = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
"""Signals that are meant for the child."""

_BY_KEY: Final = (signal.SIGINT, signal.SIGQUIT)
_FROM_KERNEL: Final = 0  # si_code (sigaction(2)): above it the kernel, else a process that said it


@contextmanager
def held() -> Iterator[set[int]]:
    """Hold signals back until they are passed on, so that none is lost; yield what is held before.

    To be called by the main thread before it starts others, which would else be given some.
    """
    # Whoever started us may have it ignored; then the child would leave no exit code.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*PASSED, signal.SIGCHLD})
    try:
        yield set(before)
    finally:
        # One that came when the child had ended would take the place of its exit code.
        while signal.sigpending() & set(PASSED):
            signal.sigwait(PASSED)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run(command: Sequence[str], environ: Mapping[str, str], before: set[int]) -> int:
    """Run a program to its end and return its exit code, or 128 and the signal that ended it.

    Args:
        command: name or path, and arguments.
        environ: its environment.
        before: signals that it holds back: as `held` yields them.

    Raises:
        NotStarted: there is no such program, or it cannot be run.
    """
    try:
        child = os.posix_spawnp(
            command[0],
            list(command),
            environ,
            setsigmask=before,
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # which Python ignores
        )
    except OSError as error:
        raise NotStarted(command[0], error) from None
    return _awaited(child)


class NotStarted(Failed):
    """The program was not started.

    Attributes:
        exit_code: as shells have it.
    """

    def __init__(self, name: str, error: OSError) -> None:
        super().__init__(f"{name}: {error.strerror}")
        self.exit_code = NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_RUN


def _awaited(child: int) -> int:
    while True:
        number, from_kernel = _next_signal()
        if number == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else SIGNALLED - code
        elif not (from_kernel and number in _BY_KEY):
            # The keys of a terminal have told the child already, and twice would be once too often:
            # many programs take a second Ctrl-C for more than the first.
            with suppress(PermissionError):  # as with sudo, which is told by the terminal alone
                os.kill(child, number)


def _next_signal() -> tuple[int, bool]:
    """Wait for the next one; return it, and whether it comes from the kernel."""
    wanted = {*PASSED, signal.SIGCHLD}
    if not hasattr(signal, "sigwaitinfo"):  # macOS: who sent it stays unknown
        return signal.sigwait(wanted), False
    found = signal.sigwaitinfo(wanted)
    return found.si_signo, found.si_code > _FROM_KERNEL
