"""Dice: everything random comes from here, split by name, so that one seed decides a whole run."""

import random
import uuid
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Dice of one name. Without a seed they come from the operating system's entropy."""

    def __init__(self, seed: int | str | None = None) -> None:
        self._seed = random.SystemRandom().getrandbits(64) if seed is None else seed
        self._dice = random.Random(self._seed)

    def integer(self, low: int, high: int) -> int:
        """Low to high, both included."""
        return self._dice.randint(low, high)

    def real(self) -> float:
        """0 included to 1 excluded."""
        return self._dice.random()

    def choice(self, things: Sequence[T]) -> T:
        """One of them."""
        return self._dice.choice(things)

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """All of them in another order."""
        return self._dice.sample(things, len(things))

    def uuid(self) -> uuid.UUID:
        """A random (version 4) id."""
        return uuid.UUID(int=self._dice.getrandbits(128), version=4)

    def split(self, name: str) -> "Chance":
        """Dice of their own, decided by this seed and the name alone."""
        return Chance(f"{self._seed}/{name}")
