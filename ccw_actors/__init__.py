"""s390x channel I/O pass-through built out of actors."""
