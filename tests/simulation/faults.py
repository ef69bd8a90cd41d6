"""What goes wrong in a run: crashes, restarts and cuts, chosen by the run's dice; never more than a minority at once."""

from tests.simulation.universe import Universe

PAUSE_MS = (500, 4_000)


class Faults:
    """Breaks something every few seconds, mends it, and at the end heals all."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.chance = universe.simulation.chance.split("faults")
        self.fired: dict[str, int] = {"crash": 0, "cut": 0, "one-way cut": 0, "crash of the controller": 0}

    async def go_on_until(self, end_ms: int) -> None:
        """One fault after another until the universe's time is `end_ms`."""
        while self.universe.simulation.now_ms() < end_ms:
            await self.universe.sleep(self.chance.integer(*PAUSE_MS))
            kind = self.chance.choice(sorted(self.fired))
            self.fired[kind] += 1
            if "crash" in kind:
                await self._crash(only_controller="controller" in kind)
            else:
                await self._cut(both_ways=kind == "cut")

    async def _crash(self, *, only_controller: bool) -> None:
        victims = [
            number for number in self.universe.alive()
            if not only_controller or self.universe.nodes[number].controller.active
        ]
        if victims:
            victim = self.chance.choice(victims)
            self.universe.crash(victim)
            await self.universe.sleep(self.chance.integer(200, 6_000))
            await self.universe.start_node(victim)

    async def _cut(self, *, both_ways: bool) -> None:
        one, other = self.chance.shuffled(self.universe.ids)[:2]
        self.universe.simulation.links.cut(f"node-{one}", f"node-{other}", both_ways=both_ways)
        await self.universe.sleep(self.chance.integer(200, 6_000))
        self.universe.simulation.links.heal()

    async def heal(self) -> None:
        """Everything works again."""
        self.universe.simulation.links.heal()
        for number in self.universe.ids:
            if number not in self.universe.nodes:
                await self.universe.start_node(number)
