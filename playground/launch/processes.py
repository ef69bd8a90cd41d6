"""The processes of a running playground: started together, stopped in order, none left behind."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from playground.launch.steps import ROOT

STOP_SECONDS_MAX = 4.5  # Ctrl-C to nothing left takes at most five
PR_SET_PDEATHSIG = 1
STORE = "valkey"  # the name of the data store's process, when it is ours


@dataclass(slots=True)
class Child:
    """One process and what it is called on screen."""

    name: str
    process: subprocess.Popen
    log: Path
    command: list[str]
    env: dict[str, str]


def start(name: str, command: list[str], *, env: dict[str, str], logs: Path) -> Child:
    """Starts a process in a session of its own, so that Ctrl-C reaches only us; its output goes to a file."""
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name}.log"
    with open(log, "ab") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True, preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
    if sys.platform != "linux":
        _guard(process.pid)
    return Child(name, process, log, command, env)


def again(child: Child) -> Child:
    """The same command once more, its output behind that of the one that ended."""
    return start(child.name, child.command, env=child.env, logs=child.log.parent)


def _die_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _guard(pid: int) -> None:
    """Where the kernel does not end children with their parent: a small process waits for us to vanish, then ends them."""
    watch = "import os,signal,sys\nsys.stdin.read()\ntry: os.killpg(int(sys.argv[1]), signal.SIGKILL)\nexcept OSError: pass"
    guard = subprocess.Popen([sys.executable, "-c", watch, str(pid)], stdin=subprocess.PIPE, start_new_session=True)
    _guards.append(guard)


_guards: list[subprocess.Popen] = []  # their standard input must stay open as long as we live


def stop(children: list[Child]) -> list[str]:
    """Asks all to end, the data store last because the others still write to it; kills what has not ended in time.

    Returns the names of those that had to be killed.
    """
    deadline = time.monotonic() + STOP_SECONDS_MAX
    killed = []
    for group, seconds_kept in (([c for c in children if c.name != STORE], 0.3), ([c for c in children if c.name == STORE], 0.0)):
        for child in reversed(group):
            _signal(child, signal.SIGTERM)
        until = max(deadline - seconds_kept, time.monotonic() + 0.2)
        killed += [child.name for child in group if not _ended(child, until)]
    return killed


def _signal(child: Child, number: int) -> None:
    try:
        os.killpg(child.process.pid, number)
    except ProcessLookupError:
        pass


def _ended(child: Child, deadline: float) -> bool:
    try:
        child.process.wait(max(0.0, deadline - time.monotonic()))
        return True
    except subprocess.TimeoutExpired:
        _signal(child, signal.SIGKILL)
        child.process.wait()
        return False


def last_words(child: Child, lines: int = 15) -> str:
    """The end of a process's log, for an error message."""
    return "\n".join(child.log.read_text(errors="replace").splitlines()[-lines:])
