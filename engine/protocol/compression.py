"""The five compressions of a record batch, in the framings that Kafka's Java client reads and writes."""

import struct
from collections.abc import Callable
from typing import Any

import cramjam

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
CODECS = {"uncompressed": NONE, "none": NONE, "gzip": GZIP, "snappy": SNAPPY, "lz4": LZ4, "zstd": ZSTD}
NAMES = ("none", "gzip", "snappy", "lz4", "zstd")

# snappy-java's stream: magic, version 1, compatible with 1; then blocks of int32 length and raw snappy.
XERIAL_MAGIC = b"\x82SNAPPY\x00"
XERIAL_HEADER = XERIAL_MAGIC + struct.pack(">ii", 1, 1)
SNAPPY_BLOCK_BYTES = 32 * 1024

# Kafka's Java client reads only frames of independent blocks; cramjam writes linked ones, so the frame is made here.
# Version 1, independent blocks, no checksums, blocks of 64 KiB; the last byte is the header's checksum.
LZ4_HEADER = b"\x04\x22\x4d\x18\x60\x40\x82"
LZ4_BLOCK_BYTES = 64 * 1024
LZ4_STORED = 0x8000_0000  # set in a block's length: the block is not compressed
LZ4_END = b"\0\0\0\0"


# A megabyte on the wire can be gigabytes when unpacked. Batches that are honest stay far below: clients close them by 16 KiB to
# 1 MiB of plain bytes, or of compressed ones with a ratio of ten or so.
PLAIN_BYTES_MAX = 32 << 20
ROOM_BYTES_MIN = 1 << 16
GUESSED_RATIO = 8  # by which the room for plain bytes grows until they fit


class CompressionFailed(ValueError):
    """The bytes are not what their codec says."""


class PlainTooLarge(CompressionFailed):
    """More than PLAIN_BYTES_MAX would come out."""


def compress(codec: int, data: bytes | bytearray | memoryview) -> bytes:
    """`data` in the codec's framing; codec 0 gives it back as bytes."""
    match codec:
        case 0:
            return bytes(data)
        case 1:
            return bytes(cramjam.gzip.compress(data))
        case 2:
            return _snappy_stream(memoryview(data))
        case 3:
            return _lz4_frame(memoryview(data))
        case 4:
            return bytes(cramjam.zstd.compress(data))
    raise CompressionFailed(f"unknown compression codec {codec}")


def decompress(codec: int, data: bytes | bytearray | memoryview) -> bytes:
    """The plain bytes. Raises CompressionFailed, PlainTooLarge."""
    try:
        match codec:
            case 0:
                return bytes(data)
            case 1:
                return _into_room(cramjam.gzip.decompress_into, data)
            case 2:
                return _snappy_plain(memoryview(data))
            case 3:
                return _into_room(cramjam.lz4.decompress_into, data)
            case 4:
                return _into_room(cramjam.zstd.decompress_into, data)
    except CompressionFailed:
        raise
    except (cramjam.DecompressionError, struct.error, OSError, ValueError) as error:
        raise CompressionFailed(f"{NAMES[codec]}: {error}") from error
    raise CompressionFailed(f"unknown compression codec {codec}")


def _into_room(decompress_into: Callable[[Any, bytearray], int], data: bytes | bytearray | memoryview) -> bytes:
    room = min(max(ROOM_BYTES_MIN, GUESSED_RATIO * len(data)), PLAIN_BYTES_MAX)
    while True:
        plain = bytearray(room)
        try:
            size = decompress_into(data, plain)
        except cramjam.DecompressionError as error:
            if "whole buffer" not in str(error):
                raise
            if room == PLAIN_BYTES_MAX:
                raise PlainTooLarge(f"{len(data)} bytes are more than {PLAIN_BYTES_MAX} when unpacked") from error
            room = min(room * GUESSED_RATIO, PLAIN_BYTES_MAX)
        else:
            return bytes(memoryview(plain)[:size])


def _snappy_block(block: memoryview, room: int) -> bytes:
    """Raw snappy says first how long it will be."""
    if cramjam.snappy.decompress_raw_len(block) > room:
        raise PlainTooLarge(f"{len(block)} bytes of snappy are more than the {room} allowed when unpacked")
    return bytes(cramjam.snappy.decompress_raw(block))


def _snappy_stream(data: memoryview) -> bytes:
    parts = [XERIAL_HEADER]
    for start in range(0, len(data), SNAPPY_BLOCK_BYTES):
        block = bytes(cramjam.snappy.compress_raw(data[start : start + SNAPPY_BLOCK_BYTES]))
        parts += (struct.pack(">i", len(block)), block)
    return b"".join(parts)


def _snappy_plain(data: memoryview) -> bytes:
    # librdkafka sends raw snappy without snappy-java's stream around it; Java reads both, so do we.
    if bytes(data[:8]) != XERIAL_MAGIC:
        return _snappy_block(data, PLAIN_BYTES_MAX)
    parts, position, room = [], len(XERIAL_HEADER), PLAIN_BYTES_MAX
    while position < len(data):
        (length,) = struct.unpack_from(">i", data, position)
        position += 4
        if not 0 < length <= len(data) - position:
            raise CompressionFailed(f"snappy: a block of {length} bytes in {len(data) - position}")
        parts.append(_snappy_block(data[position : position + length], room))
        room -= len(parts[-1])
        position += length
    return b"".join(parts)


def _lz4_frame(data: memoryview) -> bytes:
    parts = [LZ4_HEADER]
    for start in range(0, len(data), LZ4_BLOCK_BYTES):
        plain = data[start : start + LZ4_BLOCK_BYTES]
        block = bytes(cramjam.lz4.compress_block(plain, store_size=False))
        if len(block) < len(plain):
            parts += (struct.pack("<I", len(block)), block)
        else:
            parts += (struct.pack("<I", len(plain) | LZ4_STORED), bytes(plain))
    parts.append(LZ4_END)
    return b"".join(parts)
