"""Consumer groups: states, decisions, records, timers."""
