"""The process that owns sandboxes, and the door to it."""
