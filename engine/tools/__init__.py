"""Command line tools that speak to any Kafka cluster as a stranger would; bin/ calls them."""
