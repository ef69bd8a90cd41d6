"""Live viewers: one WebSocket each."""
