"""Linux vfio-ccw by version: one model, and the switches that tell versions apart."""
