"""One node: connections, dispatch, handlers, waiting."""
