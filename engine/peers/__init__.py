"""Asking another node."""
