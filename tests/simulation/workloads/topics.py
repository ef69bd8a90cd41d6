"""The topics of the loads: their names, and how they are made."""

PARTITIONS = 3

ORDERS = "orders"  # acks=all
CLICKS = "clicks"  # acks=1
METRICS = "metrics"  # acks=0

CONFIGS: dict[str, dict[str, str]] = {
    ORDERS: {"min.insync.replicas": "2"},
    CLICKS: {"min.insync.replicas": "1"},
    METRICS: {"min.insync.replicas": "1"},
}
SAFE = {"min.insync.replicas": "2"}  # of topics that groups read
