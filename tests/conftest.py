"""What every test shares: hypothesis without deadlines, for machines under load."""

from hypothesis import settings

settings.register_profile("house", deadline=None)
settings.load_profile("house")
