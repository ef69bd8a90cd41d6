"""Every test of the engine builds its messages with the names checked."""

from engine.protocol import codec

codec.check_names = True
