"""Which ports are free, and who holds one that is not."""

import contextlib
import os
import socket
from pathlib import Path

KAFKA_PORTS_TRIED = 200  # above this the machine has another problem


def is_free(port: int) -> bool:
    """Could we listen there on loopback, on both address families?"""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
                probe.listen(1)
            except OSError as error:
                if family == socket.AF_INET6 and not isinstance(error, PermissionError) and error.errno != 98:
                    continue  # no IPv6 here
                return False
    return True


def free_run(first: int, count: int) -> int:
    """The first of `count` free ports in a row, at `first` or above. Raises LookupError."""
    for base in range(first, first + KAFKA_PORTS_TRIED):
        if all(is_free(base + n) for n in range(count)):
            return base
    raise LookupError(f"no {count} free ports in a row from {first} to {first + KAFKA_PORTS_TRIED}")


def any_free() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def holder(port: int) -> str:
    """Who listens there, as far as this machine tells: "java (pid 4711)", or "" when it does not."""
    sockets = _listening_sockets(port)
    for process in Path("/proc").glob("[0-9]*") if sockets else ():
        if sockets & _open_files(process):
            words = (process / "cmdline").read_bytes().split(b"\0")
            return f"{Path(os.fsdecode(words[0])).name} (pid {process.name})"
    return ""


def _open_files(process: Path) -> set[str]:
    links = set()
    try:
        for entry in os.listdir(process / "fd"):
            with contextlib.suppress(OSError):  # closed meanwhile
                links.add(os.readlink(process / "fd" / entry))
    except OSError:  # not ours to look at, or gone
        pass
    return links


def _listening_sockets(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found
