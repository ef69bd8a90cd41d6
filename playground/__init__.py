"""The street: the web side of the Kafka Playground."""
