"""The active controller: decide, then records."""
