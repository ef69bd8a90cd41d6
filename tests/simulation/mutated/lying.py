"""An object of the engine that says something else than it should."""

from typing import Any


class Lying:
    """The real one, but for what is said to be otherwise."""

    def __init__(self, real: Any, **otherwise: Any) -> None:
        self._real, self._otherwise = real, otherwise

    def __getattr__(self, name: str) -> Any:
        return self._otherwise[name] if name in self._otherwise else getattr(self._real, name)
