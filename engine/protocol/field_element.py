"""What a field of kio's message classes holds: one value or an array, of what, and whether it may be null."""

import types
import typing
from dataclasses import Field
from typing import Any


def element(part: Field) -> tuple[Any, bool, bool]:
    """(type of the value or of the array's elements, is an array, may be null)."""
    kind, nullable = part.type, False
    if isinstance(kind, types.UnionType):
        nullable = True
        kind = next(choice for choice in typing.get_args(kind) if choice is not type(None))
    if typing.get_origin(kind) is tuple:
        return typing.get_args(kind)[0], True, nullable
    return kind, False, nullable
