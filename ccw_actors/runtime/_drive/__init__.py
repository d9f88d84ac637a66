"""What drives a System: an event loop, or a virtual clock."""
