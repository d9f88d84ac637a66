"""Controls the CPUs of a QEMU over its gdbstub."""

__all__: list[str] = []
