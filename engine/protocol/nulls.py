"""Arrays that may not be null: kio reads a null one as None all the same, Apache Kafka refuses the request.

Handlers count on it: what the schema says is an array is one.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from engine.protocol.field_element import element

Check = Callable[[Any], None]


class UnexpectedNull(ValueError):
    """A field is null that may not be."""


def check_nulls(message: Any) -> None:
    """Raises UnexpectedNull when an array of the message, at any depth, is null and may not be."""
    check = _check(type(message))
    if check is not None:
        check(message)


@cache
def _check(message: type) -> Check | None:
    """None when there is nothing to check in messages of this class."""
    steps = []
    for part in fields(message):
        kind, is_array, nullable = element(part)
        inner = _check(kind) if is_dataclass(kind) else None
        if is_array and not (nullable and inner is None):
            steps.append((part.name, nullable, inner, True))
        elif inner is not None:
            steps.append((part.name, True, inner, False))
    if not steps:
        return None

    def check(one: Any) -> None:
        for name, nullable, inner, is_array in steps:
            value = getattr(one, name)
            if value is None:
                if not nullable:
                    raise UnexpectedNull(f"{name} is null")
            elif not is_array:
                inner(value)
            elif inner is not None:
                for each in value:
                    inner(each)

    return check
