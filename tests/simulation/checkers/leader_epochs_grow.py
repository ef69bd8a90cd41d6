"""A partition's leader epoch only grows."""


def check(facts: list[dict]) -> None:
    """Fails on the first election that goes back."""
    newest: dict[tuple, int] = {}
    for fact in facts:
        if fact["kind"] == "LeaderElected":
            key = (fact["topic"], fact["partition"], fact["node"])
            assert fact["leader_epoch"] >= newest.get(key, -1), f"{key}: epoch {newest[key]} -> {fact['leader_epoch']}"
            newest[key] = fact["leader_epoch"]
