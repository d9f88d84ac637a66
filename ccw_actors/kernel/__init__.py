"""The laboratory: races of the verdict table, tried on real kernels and real QEMUs.

| package | what it does |
|---|---|
| build | cross-builds a kernel, with changes under test |
| boot | boots a kernel on this package's subchannel, with a client of vfio_ccw |
| debugger | controls CPUs of a QEMU over its gdbstub; addresses of functions, lines |
| lab | has the scenarios of the table as forced orders, and looks for their harm |
| emulators | tries QEMU's own faults by a guest without an operating system |
| gates | hold interruptions and data until a test lets them go |
| refinement | decides whether a model allows what a kernel did |
| records | what was executed, for the pages of the verdict table |
"""

__all__: list[str] = []
