"""Begins to warm the process that brokers are forked from. Rule: nothing heavy is imported here, so that it can come first."""

from engine.world.warm_parent import WarmParent

MODULE = "engine.cluster.broker_process"


def begin() -> WarmParent:
    """It has loaded what brokers need in some 300 ms."""
    return WarmParent(MODULE)
