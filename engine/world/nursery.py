"""The warm parent's own loop: forks a child for each request, tells of births and ends. No asyncio, no threads.

Children share its memory: it freezes what it has loaded, so that garbage collection never touches (and so copies) those pages.
"""

import gc
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any

from engine.world import pipes
from engine.world.processes import die_with_parent, leave

IDLE_S = 1.0  # the first brokers have started by then
CHILD_GC_THRESHOLD = 50_000  # allocations between collections: the engine makes few cycles, and each look costs


def serve(descriptor: int, child: Callable[[dict[str, Any], socket.socket], int], *, when_idle: Callable[[], None]) -> None:
    """Forks until the host closes its end. `child(message, socket)` runs in each child; its result is the exit status.

    `when_idle` runs once, when nobody has asked for a while: what it loads is shared by later children.
    """
    control = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    awake, waker = socket.socketpair()
    awake.setblocking(False)
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    gc.disable()
    _freeze()
    control.sendall(pipes.encode({"warm": os.getpid()}))
    to_do_when_idle: Callable[[], None] | None = when_idle
    asked = False
    buffer = bytearray()
    descriptors: list[int] = []
    while True:
        readable, _, _ = select.select([control, awake], [], [], IDLE_S if asked and to_do_when_idle else None)
        if not readable and to_do_when_idle:
            to_do_when_idle()
            to_do_when_idle = None
            _freeze()
            continue
        if awake in readable:
            awake.recv(4096)
            _tell_ended(control)
        if control not in readable:
            continue
        data, received, _, _ = socket.recv_fds(control, 65536, 16)
        if not data:
            leave(0)
        buffer += data
        descriptors += received
        asked = True
        for message in pipes.decode(buffer):
            end = socket.socket(fileno=descriptors.pop(0))
            not_for_child = [control.fileno(), awake.fileno(), waker.fileno(), *descriptors]
            control.sendall(pipes.encode({"born": _fork(message["fork"], end, not_for_child, child)}))
            end.close()


def _freeze() -> None:
    gc.collect()
    gc.freeze()


def _fork(message: dict[str, Any], end: socket.socket, not_for_child: list[int], child: Callable) -> int:
    """The child's pid; in the child it never returns."""
    nursery = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        die_with_parent(nursery)
        # A session of its own, as daemons have: a terminal's Ctrl-C is not for it, and Linux (autogroup) gives each session its
        # share of the processors, so that a client which spins on all of them does not starve the brokers beside it.
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        for inherited in not_for_child:
            os.close(inherited)
        gc.enable()
        gc.set_threshold(CHILD_GC_THRESHOLD, 20, 50)
        status = child(message, end)
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc(file=sys.stderr)
    finally:
        leave(status)


def _tell_ended(control: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        control.sendall(pipes.encode({"ended": pid, "status": status}))
