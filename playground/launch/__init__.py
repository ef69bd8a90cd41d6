"""From a fresh machine to a running playground, with the standard library alone."""
