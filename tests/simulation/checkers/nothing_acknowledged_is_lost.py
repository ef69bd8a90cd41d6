"""Every record that acks=all acknowledged is there in the end, once, at the offset it was told, in the order of its sends."""


def check(acknowledged: dict[int, list[tuple[int, bytes]]], read: dict[int, list[tuple[int, bytes]]]) -> None:
    """Both are partition -> [(offset, value)] in order of sending and of reading."""
    for partition, sent in acknowledged.items():
        there = dict(read[partition])
        for offset, value in sent:
            assert there.get(offset) == value, f"partition {partition}: lost or changed at offset {offset}"
        values = [value for _, value in read[partition]]
        assert len(values) == len(set(values)), f"partition {partition}: a record is there twice"
        offsets = [offset for offset, _ in sent]
        assert offsets == sorted(offsets), f"partition {partition}: reordered"
