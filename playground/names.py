"""The names under which the processes of a playground find each other in Redis and the channel layer."""

SANDBOX = "main"  # the one that the host opens


def host_channel(sandbox: str) -> str:
    """Where a host listens for questions and commands."""
    return f"playground.host.{sandbox}"


def viewers_group(sandbox: str) -> str:
    """Who watches a sandbox."""
    return f"viewers.{sandbox}"


def orders_key(sandbox: str) -> str:
    """A Redis hash: client -> what it shall do. Level, not edge: whoever missed a message reads it again."""
    return f"playground:{sandbox}:clients"


def orders_channel(sandbox: str) -> str:
    """Redis publishes here that orders have changed."""
    return f"playground:{sandbox}:orders"


def reports_channel(sandbox: str) -> str:
    """Workers publish here how their clients fare."""
    return f"playground:{sandbox}:reports"
