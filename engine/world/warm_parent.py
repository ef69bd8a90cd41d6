"""Starts the process that others are forked from, before this one has loaded anything else: both load at the same time."""

import os
import socket
import subprocess
import sys

_SOURCES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # where `engine` is imported from


class WarmParent:
    """`module` runs with `python -m module FD HOST_PID` and calls nursery.serve there; `end` is our end of its pipe."""

    def __init__(self, module: str) -> None:
        self.end, theirs = socket.socketpair()
        # A session of its own: Ctrl-C in the terminal reaches the host alone, which then stops brokers in good order.
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, str(theirs.fileno()), str(os.getpid())],
            pass_fds=[theirs.fileno()],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=2,
            env=os.environ | {"PYTHONPATH": os.pathsep.join((_SOURCES, os.environ.get("PYTHONPATH", "")))},
        )
        theirs.close()
