"""The corpus: inputs that once harmed a broker, kept as frames, and how they are played to a fresh one.

A file has comments (#), and a frame in hex a line, without length prefix, all sent on one connection. `<id plain>` stands for a
topic's id, since ids differ from cluster to cluster.
"""

import re
from pathlib import Path

from tests.fuzz.in_process import Line, Plan, Round, make_topics
from tests.fuzz.tally import Tally

FOLDER = Path(__file__).parent / "corpus"
AFTER_MS = 1_000  # then everything has come of a frame that comes of it at once


def frames(text: str, ids: dict[str, str]) -> list[bytes]:
    """The frames of a corpus file; `ids` are topics' ids in hex."""
    plain = re.sub(r"<id ([\w.-]+)>", lambda found: ids[found[1]], re.sub(r"#.*", "", text))
    return [bytes.fromhex(line) for line in plain.splitlines() if line.strip()]


async def play(text: str, *, nodes: int = 1) -> tuple[Tally, list[bytes], bool]:
    """(findings, answers, was the connection closed)."""
    fuzz = Round(Plan(seed=1, requests=0, nodes=nodes), Tally())
    await fuzz.universe.start()
    await make_topics(fuzz)
    node = next(each for each in fuzz.universe.nodes.values() if each.controller.active)
    ids = {name: topic.id.hex for name, topic in node.image.topics.items()}
    answers: list[bytes] = []
    line = Line(node, lambda line, answer: answers.append(answer))
    for frame in frames(text, ids):
        fuzz.last = frame
        if not line.closed:
            line.raw(frame)
        await fuzz.universe.sleep(AFTER_MS)
    await fuzz.pause()
    await fuzz.others_go_on()
    return fuzz.tally, answers, line.closed
