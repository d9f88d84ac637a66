"""What a message, a reference and a setting are; nothing here does anything."""
