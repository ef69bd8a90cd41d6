"""Many nodes as one thing: launching and faults."""
