"""Commands without a network: no program that they start can reach another machine, whatever it tries."""

import os
import shutil
import socket
import struct
import subprocess
import sys
from functools import cache

# The numbers of Linux for SIOCSIFFLAGS and IFF_UP.
_SET_FLAGS, _UP = 0x8914, 1


def isolated(*command: str) -> tuple[str, ...]:
    """The command in a network namespace that has only this machine; unchanged where the system allows none."""
    return (*_wrapper(), *command)


@cache
def _wrapper() -> tuple[str, ...]:
    unshare = shutil.which("unshare")
    # Root of a container may often make a namespace of networks and none of users.
    for options in (("--net",), ("--net", "--map-root-user")):
        wrapper = (unshare or "", *options, "--", sys.executable, __file__)
        if unshare and subprocess.run((*wrapper, "true"), capture_output=True, check=False).returncode == 0:  # noqa: S603 - ours
            return wrapper
    return ()


def _start_loopback() -> None:
    import fcntl  # noqa: PLC0415 - Windows has none

    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh", b"lo", _UP))


if __name__ == "__main__":
    _start_loopback()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the command of the test
