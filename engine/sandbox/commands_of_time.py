"""Verbs for time: the brokers' clocks can stand still and run slower."""

from dataclasses import dataclass
from typing import ClassVar

from engine.sandbox.grammar import Command, State, Word

FACTOR_MAX = 50  # slower than this and a session outlasts a lesson


def speed(text: str) -> str:
    """×1, ×1/4 …; x1/4, 1/4, 1/4x and 0.25 are understood too. Raises ValueError."""
    plain = text.strip().lower().replace("×", "").replace("x", "")
    above, _, below = plain.partition("/")
    try:
        factor = float(below or 1) / float(above)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"a speed is ×1 or a part of it down to ×1/{FACTOR_MAX}, such as ×1/4") from None
    if not 1 <= factor <= FACTOR_MAX:
        raise ValueError(f"×1 down to ×1/{FACTOR_MAX} is possible")
    return "×1" if factor == 1 else f"×1/{factor:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Command):
    """Stops the clocks of all brokers: nothing expires, nothing is answered, clients wait."""

    verb: ClassVar[str] = "pause"
    example: ClassVar[str] = "pause"

    def refusal(self, state: State) -> str | None:
        """Not twice."""
        return "time stands still already; resume lets it go on" if state["time"]["paused"] else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Command):
    """Lets time go on from where it stood."""

    verb: ClassVar[str] = "resume"
    example: ClassVar[str] = "resume"

    def refusal(self, state: State) -> str | None:
        """Only what stands can go on."""
        return None if state["time"]["paused"] else "time runs; pause stops it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow(Command):
    """Lets all brokers' clocks run slower; ×1 is normal again. Clients keep their own clocks."""

    verb: ClassVar[str] = "slow"
    words: ClassVar = (Word("speed", "speed", speed),)
    example: ClassVar[str] = "slow ×1/4"

    speed: str

    def factor(self) -> float:
        """How many times slower."""
        return float(self.speed.partition("/")[2] or 1)


TIME_VERBS: tuple[type[Command], ...] = (Pause, Resume, Slow)
