"""Actors in their own threads: our actors, and those written for Pykka."""
