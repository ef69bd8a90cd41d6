"""Kafka's frames: a signed 32-bit length, then that many bytes."""

import struct

LENGTH = struct.Struct(">i")
FRAME_BYTES_MAX = 104_857_600  # socket.request.max.bytes: one request never takes more memory than this
