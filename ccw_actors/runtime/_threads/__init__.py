"""Actors in threads of their own: ours, and those that were written for Pykka."""
