"""Keeps numbered facts on disk, bounded: appended JSON lines in a few files, and the picture where they begin to count.

The picture is written at each new file and at the end; after a crash it is brought up to date by the facts behind it.
"""

import json
import os
from pathlib import Path
from typing import Any

from playground.host.limits import FACTS_A_SEGMENT, FACTS_LOOKED_BACK_ON, SEGMENTS_KEPT

PICTURE = "picture.json"
STARTS = "starts.json"

Fact = dict[str, Any]


class DiskJournal:
    """Facts of one sandbox. A torn last line (the machine went down) is left out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._file: Any = None
        self._lines = 0

    def load(self) -> tuple[dict[str, Any] | None, list[Fact]]:
        """(the last picture that was kept, the facts behind it and some before it, oldest first)."""
        picture = _read(self._folder / PICTURE)
        after = max(0, (picture or {}).get("number", 0) - FACTS_LOOKED_BACK_ON)
        return picture, self.read(after, FACTS_A_SEGMENT * (SEGMENTS_KEPT + 1))

    def next_start(self) -> dict[str, Any]:
        """{"starts": how often this sandbox has been started, "scenario": done?}; counted and kept."""
        noted = _read(self._folder / STARTS) or {"starts": 0, "scenario": False}
        noted["starts"] += 1
        self.note(noted)
        return noted

    def note(self, noted: dict[str, Any]) -> None:
        """Keeps what next_start gives."""
        _replace(self._folder / STARTS, noted)

    def append(self, facts: list[Fact]) -> bool:
        """Writes them to the system at once. True when a new file was begun: time to keep a picture."""
        begun = False
        for fact in facts:
            if self._file is None or self._lines >= FACTS_A_SEGMENT:
                self._begin(fact["number"])
                begun = True
            self._file.write(json.dumps(fact, separators=(",", ":")) + "\n")
            self._lines += 1
        if self._file is not None:
            self._file.flush()
        return begun

    def keep(self, picture: dict[str, Any]) -> None:
        """Keeps a picture; files that are too many and behind it go."""
        _replace(self._folder / PICTURE, picture)
        for path in self._segments()[:-SEGMENTS_KEPT]:
            path.unlink(missing_ok=True)

    def read(self, after: int, limit: int) -> list[Fact]:
        """Facts with a number above `after`, oldest first, at most `limit`."""
        found: list[Fact] = []
        paths = self._segments()
        for path, following in zip(paths, [*paths[1:], None][: len(paths)], strict=True):
            if following is not None and int(following.stem) <= after + 1:
                continue
            found += [fact for fact in _read_lines(path) if fact["number"] > after]
            if len(found) >= limit:
                break
        return found[:limit]

    def close(self) -> None:
        """Nothing is written any more."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self, number: int) -> None:
        self.close()
        self._file = open(self._folder / f"{number:012}.jsonl", "a", encoding="utf-8")  # noqa: SIM115  stays open
        self._lines = 0

    def _segments(self) -> list[Path]:
        return sorted(self._folder.glob("*.jsonl"))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _read_lines(path: Path) -> list[Fact]:
    facts = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            facts.append(json.loads(line))
        except ValueError:
            continue
    return facts


def _replace(path: Path, value: Any) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(value, separators=(",", ":")))
    os.replace(fresh, path)
