"""Other processes as guests: a QEMU that is given devices by VFIO."""
