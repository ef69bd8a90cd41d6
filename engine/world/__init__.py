"""The outside: clock, network, disk and chance, real or simulated."""
