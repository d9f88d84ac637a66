"""Set-up of every test: hypothesis without deadlines, for machines under load."""

from hypothesis import settings

settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")
