"""The records that Kafka itself stores, byte for byte."""
