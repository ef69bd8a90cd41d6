"""Who leads the metadata log (KRaft)."""
