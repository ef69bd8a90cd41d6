"""python -m engine.tools NAME ARGS: the tool of that name."""

import importlib
import sys

TOOLS = {"kafka-topics": "engine.tools.topics"}


def main(words: list[str]) -> int:
    """Runs a tool; returns its exit status."""
    if not words or words[0] not in TOOLS:
        print(f"which tool? There are: {', '.join(sorted(TOOLS))}", file=sys.stderr)
        return 1
    return importlib.import_module(TOOLS[words[0]]).main(words[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
