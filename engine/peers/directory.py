"""Where the other nodes are, and one connection to each of them for each purpose.

Purposes keep slow things out of the way of fast ones: a long poll on one connection never delays a vote on another.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.peers.connection import Peer, node_name
from engine.world.world import World


class Directory:
    """The addresses that this node knows: from its spec for the voters, later from the metadata for all."""

    def __init__(self, *, world: World, node_id: int, addresses: Mapping[int, tuple[str, int]] | None = None) -> None:
        self.addresses: dict[int, tuple[str, int]] = dict(addresses or {})
        self._world = world
        self._node_id = node_id
        self._peers: dict[tuple[int, str], Peer] = {}

    def peer(self, node_id: int, purpose: str = "") -> Peer:
        """The node as reached for that purpose. One that is not known yet can be asked: it is Unreachable until it is."""
        key = (node_id, purpose)
        if key not in self._peers:
            client_id = node_name(self._node_id) + (f"-{purpose}" if purpose else "")
            address = self.addresses.get(node_id)
            self._peers[key] = Peer(world=self._world, node_id=node_id, address=address, client_id=client_id)
        return self._peers[key]

    def set_address(self, node_id: int, host: str, port: int) -> None:
        """The node is there now; connections to where it was are closed."""
        self.addresses[node_id] = (host, port)
        for (known, _), peer in self._peers.items():
            if known == node_id:
                peer.moved((host, port))

    def close(self) -> None:
        """Closes all connections; whoever waits for an answer gets Unreachable."""
        for key in sorted(self._peers):
            self._peers[key].close()

    def __repr__(self) -> str:
        connected = sorted({node for (node, _), peer in self._peers.items() if peer.connected})
        return f"<Directory of {self._node_id}: knows {sorted(self.addresses)} connected {connected}>"
