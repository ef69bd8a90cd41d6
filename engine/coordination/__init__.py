"""Groups as replicated state machines."""
