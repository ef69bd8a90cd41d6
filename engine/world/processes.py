"""Processes of this machine: a warm parent that forks children in milliseconds, signals to them, and their end.

The warm parent (nursery) is a process of its own, started by exec: it has no loop and no threads, so that forking is safe, and
nothing of the host's memory is in the children. When the host dies the nursery dies, and when the nursery dies its children do:
by the parent-death signal on Linux, and everywhere by the end of the pipe that each of them holds.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from engine.world.pipes import Pipe
from engine.world.tasks import Promise
from engine.world.warm_parent import WarmParent

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int | None = None) -> None:
    """Linux: the kernel kills this process when its parent dies. Elsewhere the end of the pipe has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if parent is not None and os.getppid() != parent:
            leave(1)  # it died before we asked


def leave(status: int) -> None:
    """Ends this process at once: no clean-up of what a forked child only inherited."""
    with contextlib.suppress(OSError):  # a log on a full disk keeps nobody alive
        sys.stderr.flush()
        sys.stdout.flush()
    os._exit(status)


def on_signals(callback: Callable[[], None], *signals: int) -> None:
    """Calls back in the running loop instead of ending the process. Default: SIGTERM and SIGINT."""
    for number in signals or (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, callback)


def on_input_lines(callback: Callable[[str], None]) -> None:
    """Calls back with every line of standard input, in the running loop. Nothing happens when there is none, or at its end."""
    loop, begun = asyncio.get_running_loop(), bytearray()

    def readable() -> None:
        data = os.read(0, 65536)
        if not data:
            loop.remove_reader(0)
        begun.extend(data)
        *lines, rest = bytes(begun).split(b"\n")
        begun[:] = rest
        for line in lines:
            callback(line.decode(errors="replace").strip())

    try:
        loop.add_reader(0, readable)
    except OSError:
        return  # /dev/null or a file: nobody types there


class Child:
    """A forked child: its pid, its pipe, and how it ended."""

    def __init__(self, pipe: Pipe) -> None:
        self.pid: int | None = None
        self.pipe = pipe
        self.born: Promise[int] = Promise()  # its pid
        self.ended: Promise[str] = Promise()  # how, in words

    def kill(self) -> None:
        """SIGKILL."""
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM."""
        self._signal(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self.pid is not None and not self.ended.done:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass  # its end is on the way to us

    def __repr__(self) -> str:
        return f"<Child pid={self.pid} {'ended' if self.ended.done else 'alive'}>"


class Nursery:
    """The host's side of the warm parent, inside a running loop."""

    def __init__(self, parent: WarmParent) -> None:
        self.on_lost: Callable[[], None] = lambda: None
        self._process = parent.process
        self._pipe = Pipe(parent.end)
        self._pipe.on_message = self._told
        self._pipe.on_closed = self._lost
        self.warm: Promise[int] = Promise()
        self._unborn: list[Child] = []
        self._children: dict[int, Child] = {}

    async def fork(self, message: dict[str, Any], on_message: Callable[[dict[str, Any]], None]) -> Child:
        """A new child, which is handed `message` and the other end of its pipe. Raises OSError when there is no nursery.

        `on_message` hears the child from its first word on, which may come in the same turn of the loop as the news of its birth.
        """
        if self._pipe.closed:
            raise OSError("the process that starts brokers is gone")
        ours, theirs = socket.socketpair()
        child = Child(Pipe(ours))
        child.pipe.on_message = on_message
        self._unborn.append(child)
        self._pipe.send({"fork": message}, descriptor=theirs.fileno())
        theirs.close()
        child.pid = await child.born.wait()
        return child

    def close(self) -> None:
        """Ends the nursery, and with it every child that is left."""
        self._pipe.close()
        self._process.kill()
        self._process.wait()

    def _told(self, message: dict[str, Any]) -> None:
        if "warm" in message:
            self.warm.resolve(message["warm"])
        elif "born" in message:
            child = self._unborn.pop(0)
            self._children[message["born"]] = child
            child.born.resolve(message["born"])
        elif "ended" in message:
            child = self._children.pop(message["ended"])
            child.ended.resolve(_in_words(message["status"]))

    def _lost(self) -> None:
        self.warm.refuse(OSError("the process that starts brokers could not start; its own words are above"))
        for child in (*self._unborn, *self._children.values()):
            child.born.refuse(OSError("the process that starts brokers is gone"))
            child.ended.resolve("its parent process is gone")
        self.on_lost()


def _in_words(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"exit status {code}"
    return f"signal {signal.Signals(-code).name}"
