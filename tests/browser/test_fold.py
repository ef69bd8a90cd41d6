"""The picture that a page folded from what it was told is the picture that the host has."""

import time

from tests.browser.seen import believed

SETTLE_SECONDS_MAX = 10


def compared(picture: dict) -> dict:
    """Without what a clock writes: the time of the picture, and the clients' own reports of four times a second."""
    clusters = [cluster | {"clients": [client | {"report": None} for client in cluster["clients"]]} for cluster in picture["clusters"]]
    return picture | {"at_ms": 0, "clusters": clusters}


def test_the_page_folds_to_the_fresh_snapshot(screen, playground):
    for line in ("kill broker 1", "close client billing-1", "start broker 1", "consume orders group=billing as billing-1", "restart broker 2"):
        playground.do(line)
    playground.healthy()
    playground.do("pause")
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    while (mine := compared(believed(screen))) != (theirs := compared(playground.state())) and time.monotonic() < deadline:
        pass
    assert mine == theirs
    playground.do("resume")
