"""Records of what was executed on real kernels and real QEMUs."""

__all__: list[str] = []
