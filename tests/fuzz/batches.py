"""Record batches as a hostile producer sends them: good ones, ones whose header lies, and bombs."""

import random
import struct
import zlib

import cramjam
from crc32c import crc32c

from engine.protocol import compression
from engine.protocol.record_batch import ATTRIBUTES_AT, CRC_AT, HEADER_BYTES, Record, encode_batch

NOW_MS = 1_800_000_000_000  # where the simulated clock begins
LIES = (  # (where, how it is packed, what it may say)
    (0, ">q", (1, -1, 2**63 - 1)),  # base offset
    (8, ">i", (0, -1, 48, 49, 2**31 - 1, -(2**31), 100)),  # length
    (12, ">i", (0, 5, 2**31 - 1, -(2**31))),  # leader epoch
    (16, ">b", (0, 1, 3, -1)),  # magic
    (17, ">I", (0, 2**32 - 1)),  # checksum
    (21, ">h", (1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 48, 64, 128, -1, 0x7FFF, -(2**15))),  # attributes
    (23, ">i", (-1, 0, 1, 1000, 2**31 - 1, -(2**31))),  # last offset delta
    (27, ">q", (-1, 0, 2**63 - 1, -(2**63))),  # base timestamp
    (35, ">q", (-1, 0, NOW_MS * 2, 2**63 - 1, -(2**63))),  # max timestamp
    (43, ">q", (-2, 0, 1, 1000, 2**63 - 1, -(2**63))),  # producer id
    (51, ">h", (-2, 0, 1, 2**15 - 1, -(2**15))),  # producer epoch
    (53, ">i", (-2, 0, 1, 5, 2**31 - 1, -(2**31))),  # base sequence
    (57, ">i", (-1, 0, 1, 2, 1000, 2**31 - 1, -(2**31))),  # record count
)


def batch(chance: random.Random) -> bytes:
    """Half of them are good."""
    made = bytearray(good(chance))
    luck = chance.random()
    if luck < 0.5:
        return bytes(made)
    if luck < 0.85:
        for _ in range(chance.choice((1, 1, 2, 3))):
            at, packed, values = chance.choice(LIES)
            struct.pack_into(packed, made, at, chance.choice(values))
        return bytes(made) if chance.random() < 0.2 else sealed(made)
    if luck < 0.93:
        for _ in range(chance.choice((1, 2, 8))):
            made[chance.randrange(HEADER_BYTES - 1, len(made))] = chance.randrange(256)
        return sealed(made)
    if luck < 0.97:
        return bytes(made[: chance.randrange(len(made))])
    return bytes(made) * 2


def good(chance: random.Random) -> bytearray:
    """One to a few records in any codec."""
    records = [
        Record(
            timestamp=NOW_MS + chance.randrange(1000),
            key=chance.choice((None, b"", b"key", b"k" * 70)),
            value=chance.choice((None, b"", b"value", b"v" * 300)),
            headers=chance.choice(((), (), (("h", b"x"), ("", None)))),
        )
        for _ in range(chance.choice((1, 1, 2, 5, 40)))
    ]
    numbered = chance.random() < 0.2
    return encode_batch(
        records,
        compression=chance.choice((0, 0, 0, 1, 2, 3, 4)),
        producer_id=chance.randrange(3) if numbered else -1,
        producer_epoch=0 if numbered else -1,
        base_sequence=chance.choice((0, 1, 5)) if numbered else -1,
    )


def sealed(made: bytearray) -> bytes:
    """With the checksum that fits what it says now."""
    if len(made) > ATTRIBUTES_AT:
        struct.pack_into(">I", made, CRC_AT, crc32c(memoryview(made)[ATTRIBUTES_AT:]))
    return bytes(made)


def bomb(codec: int, plain_bytes: int) -> bytes:
    """A good header before a body that is one byte, over and over: small on the wire, `plain_bytes` when unpacked."""
    made = encode_batch([Record(timestamp=NOW_MS, key=b"k", value=b"v")])[:HEADER_BYTES]
    made += _packed(codec, plain_bytes)
    struct.pack_into(">i", made, 8, len(made) - 12)
    struct.pack_into(">h", made, ATTRIBUTES_AT, codec)
    return sealed(made)


def _packed(codec: int, plain_bytes: int) -> bytes:
    piece, pieces = bytes(1 << 20), plain_bytes >> 20
    if codec == compression.GZIP:
        packer = zlib.compressobj(9, wbits=31)
        return b"".join([*(packer.compress(piece) for _ in range(pieces)), packer.flush()])
    if codec == compression.SNAPPY:
        block = bytes(cramjam.snappy.compress_raw(piece))
        return compression.XERIAL_HEADER + (struct.pack(">i", len(block)) + block) * pieces
    if codec == compression.LZ4:
        block = bytes(cramjam.lz4.compress_block(piece[: compression.LZ4_BLOCK_BYTES], store_size=False))
        blocks = plain_bytes // compression.LZ4_BLOCK_BYTES
        return compression.LZ4_HEADER + (struct.pack("<I", len(block)) + block) * blocks + compression.LZ4_END
    packer = cramjam.zstd.Compressor()
    for _ in range(pieces):
        packer.compress(piece)
    return bytes(packer.finish())
