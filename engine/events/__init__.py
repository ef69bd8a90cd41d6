"""What happened: facts with causes for people, traffic for pictures."""
