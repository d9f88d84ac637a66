"""Linux vfio-ccw by version: a module for each thread, and what versions choose."""
