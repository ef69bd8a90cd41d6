"""Transcripts: a command, `----`, the exact answer, an empty line. Lines that begin with # are for readers.

Run with REWRITE=1 to write down what is answered now; then read the difference before you commit it.
"""

import os
from collections.abc import Callable
from pathlib import Path


def check(path: Path, answer: Callable[[str], str]) -> None:
    """Every command of the file is given to `answer`, in order; all answers are compared at once."""
    written = path.read_text()
    blocks = [block for block in written.strip("\n").split("\n\n") if block]
    told = []
    for block in blocks:
        if all(line.startswith("#") for line in block.split("\n")):
            told.append(block)
            continue
        asked = block.split("\n----")[0]
        command = "\n".join(line for line in asked.split("\n") if not line.startswith("#"))
        told.append(f"{asked}\n----\n{answer(command)}".rstrip("\n"))
    now = "\n\n".join(told) + "\n"
    if os.environ.get("REWRITE"):
        path.write_text(now)
    else:
        assert now == written, f"{path.name} tells another story now; REWRITE=1 shows which"
