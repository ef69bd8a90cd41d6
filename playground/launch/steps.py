"""One line a step with its seconds; a content hash decides whether it has to be done again."""

import hashlib
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLAY = ROOT / ".play"


class SetupFailed(Exception):
    """Something could not be set up; the message says what and what would help."""


def digest(paths: Iterable[Path], *words: str) -> str:
    """A hash over the files' names and contents (folders are walked) and over the words."""
    total = hashlib.sha256("\0".join(words).encode())
    for path in sorted(paths):
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in files:
            total.update(f"\0{file.relative_to(ROOT)}\0".encode())
            total.update(file.read_bytes())
    return total.hexdigest()


def is_done(name: str, wanted: str) -> bool:
    """Was the step done for this hash?"""
    mark = _mark(name)
    return mark.exists() and mark.read_text() == wanted


def step(name: str, work: Callable[[], None], *, wanted: str | None = None, again: bool = False) -> None:
    """Does `work` and prints one line, unless it was done for the same `wanted` hash. `again`: its result is missing."""
    if wanted is not None and not again and is_done(name, wanted):
        return
    began = time.monotonic()
    print(f"  {name} …", end="", file=sys.stderr, flush=True)
    try:
        work()
    except BaseException:
        print(" failed", file=sys.stderr, flush=True)
        raise
    print(f" {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    if wanted is not None:
        _mark(name).parent.mkdir(parents=True, exist_ok=True)
        _mark(name).write_text(wanted)


def _mark(name: str) -> Path:
    return PLAY / "done" / name.replace(" ", "-")
