"""The processor: eight-bit accumulator, ten instructions, interrupts by line.

An instruction is two bytes, operation and operand. The processor executes one for
each message that it sends itself, so that an interrupt may come between any two.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import msgspec

from ccw_actors.runtime import Actor, ActorRef, Message, receive
from examples.emulator.messages import Byte, Done, Halted, Interrupt, Reset, WritePort
from examples.emulator.messages import ReadPort as ReadPortMessage

__all__ = ["Cpu", "Op"]


class Op(IntEnum):
    """The operations. The operand is an address, a value, a port or a mask."""

    HALT = 0
    LOAD = 1  # accumulator = memory[operand]
    STORE = 2  # memory[operand] = accumulator
    SET = 3  # accumulator = operand
    ADD = 4  # accumulator += operand, modulo 256
    LOAD_AT = 5  # accumulator = memory[memory[operand]]
    JUMP = 6
    JUMP_ZERO = 7  # if accumulator is 0
    OUT = 8  # port[operand] = accumulator
    IN = 9  # accumulator = port[operand]
    WAIT = 10  # until one of the lines in the mask operand; accumulator = the line


class Step(Message, frozen=True):
    """Has the next instruction executed."""


class CpuState(msgspec.Struct):
    """Registers, memory, lines that wait, and the mask that is waited for."""

    memory: bytes
    counter: int = 0
    accumulator: int = 0
    lines: tuple[int, ...] = ()
    mask: int = 0
    instructions: int = 0


class Cpu(Actor[Reset | Interrupt | Byte | Done]):
    """Runs a program; `ports` are its devices, `owner` is told when it halts."""

    def __init__(
        self, program: bytes, ports: dict[int, ActorRef[Any]], owner: ActorRef[Halted]
    ) -> None:
        self._ports = ports
        self._owner = owner
        self.state = CpuState(program.ljust(256, b"\0"))

    @receive
    def reset(self, _message: Reset) -> None:
        """Begin."""
        self.ref.tell(Step())

    @receive
    def step(self, _message: Step) -> None:
        """Execute one instruction."""
        state = self.state
        op = Op(state.memory[state.counter])
        operand = state.memory[state.counter + 1]
        state.counter += 2
        state.instructions += 1
        if _EXECUTE[op](self, operand):
            self.ref.tell(Step())

    @receive
    def interrupt(self, message: Interrupt) -> None:
        """Keep the line; go on if it is waited for."""
        if message.line not in self.state.lines:
            self.state.lines += (message.line,)
        self._serve()

    @receive
    def port_read(self, message: Byte) -> None:
        """Take what a port has answered, and go on."""
        self.state.accumulator = message.value
        self.ref.tell(Step())

    @receive
    def port_written(self, _message: Done) -> None:
        """Go on."""
        self.ref.tell(Step())

    # -- instructions: each returns whether the next one follows at once --

    def do_halt(self, _operand: int) -> bool:
        """Stop for good."""
        self._owner.tell(Halted(self.state.instructions))
        return False

    def do_load(self, operand: int) -> bool:
        """Take a value from memory."""
        self.state.accumulator = self.state.memory[operand]
        return True

    def do_store(self, operand: int) -> bool:
        """Put it there."""
        memory = bytearray(self.state.memory)
        memory[operand] = self.state.accumulator
        self.state.memory = bytes(memory)
        return True

    def do_set(self, operand: int) -> bool:
        """Take the operand itself."""
        self.state.accumulator = operand
        return True

    def do_add(self, operand: int) -> bool:
        """Add the operand."""
        self.state.accumulator = (self.state.accumulator + operand) & 0xFF
        return True

    def do_load_at(self, operand: int) -> bool:
        """Take what a pointer in memory points to."""
        return self.do_load(self.state.memory[operand])

    def do_jump(self, operand: int) -> bool:
        """Go on at the operand."""
        self.state.counter = operand
        return True

    def do_jump_zero(self, operand: int) -> bool:
        """Do so if the accumulator is 0."""
        return self.do_jump(operand) if not self.state.accumulator else True

    def do_out(self, operand: int) -> bool:
        """Write to a port; its answer has the next step."""
        self._ports[operand].tell(WritePort(self.state.accumulator))
        return False

    def do_in(self, operand: int) -> bool:
        """Read from a port; its answer has the next step."""
        self._ports[operand].tell(ReadPortMessage())
        return False

    def do_wait(self, operand: int) -> bool:
        """Rest until a line of the mask is raised."""
        self.state.mask = operand
        self._serve()
        return False

    def _serve(self) -> None:
        state = self.state
        wanted = [line for line in state.lines if state.mask >> line & 1]
        if wanted:
            state.lines = tuple(line for line in state.lines if line != wanted[0])
            state.mask = 0
            state.accumulator = wanted[0]
            self.ref.tell(Step())


_EXECUTE: dict[Op, Callable[[Cpu, int], bool]] = {
    Op.HALT: Cpu.do_halt,
    Op.LOAD: Cpu.do_load,
    Op.STORE: Cpu.do_store,
    Op.SET: Cpu.do_set,
    Op.ADD: Cpu.do_add,
    Op.LOAD_AT: Cpu.do_load_at,
    Op.JUMP: Cpu.do_jump,
    Op.JUMP_ZERO: Cpu.do_jump_zero,
    Op.OUT: Cpu.do_out,
    Op.IN: Cpu.do_in,
    Op.WAIT: Cpu.do_wait,
}
