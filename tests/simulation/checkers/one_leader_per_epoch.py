"""No two nodes lead the metadata log in one epoch, and a partition's leader epoch names one leader."""

from collections import defaultdict


def check(facts: list[dict]) -> None:
    """Fails on the first epoch with two leaders."""
    controllers: dict[int, set[int]] = defaultdict(set)
    leaders: dict[tuple, set[int]] = defaultdict(set)
    for fact in facts:
        if fact["kind"] == "ControllerElected":
            controllers[fact["epoch"]].add(fact["leader"])
        if fact["kind"] == "LeaderElected":
            leaders[fact["topic"], fact["partition"], fact["leader_epoch"]].add(fact["leader"])
    for names in (controllers, leaders):
        twice = {key: sorted(who) for key, who in names.items() if len(who) > 1}
        assert not twice, f"led by more than one: {twice}"
