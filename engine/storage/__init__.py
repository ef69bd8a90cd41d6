"""One partition's bytes, in Kafka's own folder and file formats."""
