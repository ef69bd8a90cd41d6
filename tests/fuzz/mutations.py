"""What happens to a frame on its way: cut, flipped, spliced, grown; nothing of it knows what the bytes mean."""

import random
from collections.abc import Callable

EDGE_BYTES = (0, 1, 0x7F, 0x80, 0xFF)


def cut(chance: random.Random, frame: bytes, other: bytes) -> bytes:
    """Ends too early."""
    return frame[: chance.randrange(len(frame) + 1)]


def flip(chance: random.Random, frame: bytes, other: bytes) -> bytes:
    """Some bits are others."""
    changed = bytearray(frame)
    for _ in range(chance.choice((1, 1, 2, 4))):
        changed[_at(chance, changed)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def overwrite(chance: random.Random, frame: bytes, other: bytes) -> bytes:
    """Some bytes are extreme."""
    changed = bytearray(frame)
    at, size = _at(chance, changed), chance.choice((1, 1, 2, 4, 8))
    changed[at : at + size] = bytes((chance.choice(EDGE_BYTES),)) * min(size, len(changed) - at)
    return bytes(changed)


def insert(chance: random.Random, frame: bytes, other: bytes) -> bytes:
    """Something stands between."""
    at = _at(chance, frame)
    return frame[:at] + chance.randbytes(chance.choice((1, 2, 4, 16))) + frame[at:]


def remove(chance: random.Random, frame: bytes, other: bytes) -> bytes:
    """Something is missing."""
    at = _at(chance, frame)
    return frame[:at] + frame[at + chance.choice((1, 2, 4, 16)) :]


def interleave(chance: random.Random, frame: bytes, other: bytes) -> bytes:
    """The first half of one request and the second half of another."""
    return frame[: len(frame) // 2] + other[len(other) // 2 :]


def grow(chance: random.Random, frame: bytes, other: bytes) -> bytes:
    """Something follows."""
    return frame + chance.randbytes(chance.choice((1, 4, 100)))


def replace_body(chance: random.Random, frame: bytes, other: bytes) -> bytes:
    """The header alone is right."""
    return frame[:14] + chance.randbytes(chance.choice((0, 1, 7, 40, 300)))


def random_bytes(chance: random.Random, frame: bytes, other: bytes) -> bytes:
    """Nothing is right."""
    return chance.randbytes(chance.choice((0, 1, 5, 10, 50, 500)))


MUTATIONS: tuple[Callable[[random.Random, bytes, bytes], bytes], ...] = (
    cut, flip, flip, overwrite, overwrite, insert, remove, interleave, grow, replace_body, random_bytes,
)  # fmt: skip


def _at(chance: random.Random, frame: bytes | bytearray) -> int:
    """Behind the API key and version, mostly: most frames should reach their handler."""
    first = 4 if len(frame) > 4 and chance.random() < 0.97 else 0
    return chance.randrange(first, max(len(frame), first + 1)) if len(frame) > first else 0
