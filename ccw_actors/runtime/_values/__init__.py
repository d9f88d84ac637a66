"""Values of the runtime: references, envelopes, notices and settings."""
