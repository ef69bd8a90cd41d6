"""Durations and moments as Python's datetime has them, to and from milliseconds. Pure: nobody asks a clock here."""

import datetime

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MILLISECOND = datetime.timedelta(milliseconds=1)


def duration(ms: int | datetime.timedelta) -> datetime.timedelta:
    """Of so many ms."""
    return ms if isinstance(ms, datetime.timedelta) else datetime.timedelta(milliseconds=ms)


def moment(ms: int | datetime.datetime | None) -> datetime.datetime | None:
    """So many ms after 1970; None for none and for the -1 that Kafka writes then."""
    if ms is None or isinstance(ms, datetime.datetime):
        return ms
    return None if ms < 0 else _EPOCH + datetime.timedelta(milliseconds=ms)


def milliseconds(value: datetime.timedelta | datetime.datetime | int | None) -> int:
    """A duration's length or a moment's distance from 1970 in ms; -1 for none."""
    if value is None:
        return -1
    if isinstance(value, datetime.timedelta):
        return value // _MILLISECOND
    if isinstance(value, datetime.datetime):
        return (value - _EPOCH) // _MILLISECOND
    return value
