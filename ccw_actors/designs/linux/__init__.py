"""Linux vfio-ccw by version: a module for each thread, and the choices of versions."""
