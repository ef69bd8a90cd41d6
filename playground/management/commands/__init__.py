"""run_host and playground."""
