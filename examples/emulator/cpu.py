"""The processor: an eight-bit accumulator, 256 bytes, interrupts by line.

An instruction is two bytes, operation and operand. The processor executes one for
each message that it sends itself, so that an interrupt may come between any two.
"""

from enum import IntEnum

import msgspec

from ccw_actors.runtime import Actor, ActorRef, Message, ReplyTo, receive
from examples.emulator.messages import Halted, Interrupt, Read, Register, Run, Write


class Op(IntEnum):
    """The operations. The operand is an address, a value, a device or a mask."""

    HALT = 0
    LOAD = 1  # accumulator = memory[operand]
    STORE = 2  # memory[operand] = accumulator
    SET = 3  # accumulator = operand
    ADD = 4  # accumulator += operand, modulo 256
    LOAD_AT = 5  # accumulator = memory[memory[operand]]
    JUMP = 6
    JUMP_ZERO = 7  # if the accumulator is 0
    OUT = 8  # register of device[operand] = accumulator
    IN = 9  # accumulator = register of device[operand]
    WAIT = 10  # for one of the lines in the mask


class Step(Message, frozen=True):
    """Makes the processor execute the next instruction."""


class CpuState(msgspec.Struct):
    """Memory and registers; pending lines and the lines it waits for, as masks."""

    memory: bytearray
    counter: int = 0
    accumulator: int = 0
    pending: int = 0
    mask: int = 0
    owner: ReplyTo = ReplyTo(None)


class Cpu(Actor[Run | Interrupt | Register]):
    """Runs a program; an instruction takes `cycle` seconds."""

    def __init__(
        self, program: bytes, devices: dict[int, ActorRef[Read | Write]], cycle: float
    ) -> None:
        self._devices = devices
        self._cycle = cycle
        self.state = CpuState(bytearray(program.ljust(256, b"\0")))

    @receive
    def run(self, _message: Run) -> None:
        """Start; HALT answers the request."""
        self.state.owner = self.reply_to
        self._go_on()

    @receive
    def interrupt(self, message: Interrupt) -> None:
        """Keep the line; continue if the program waits for it."""
        self.state.pending |= 1 << message.line
        self._take_interrupt()

    @receive
    def answered(self, message: Register) -> None:
        """Take the answer of a device, and continue."""
        self.state.accumulator = message.value
        self._go_on()

    @receive
    def step(self, _message: Step) -> None:
        """Execute one instruction."""
        state = self.state
        op, operand = state.memory[state.counter : state.counter + 2]
        state.counter += 2
        match op:
            case Op.HALT:
                self.reply(state.owner, Halted(state.accumulator))
            case Op.OUT:
                self._devices[operand].tell(Write(state.accumulator))
            case Op.IN:
                self._devices[operand].tell(Read())
            case Op.WAIT:
                state.mask = operand
                self._take_interrupt()
            case _:
                self._compute(op, operand)
                self._go_on()

    def _compute(self, op: int, operand: int) -> None:
        state, memory = self.state, self.state.memory
        match op:
            case Op.LOAD:
                state.accumulator = memory[operand]
            case Op.LOAD_AT:
                state.accumulator = memory[memory[operand]]
            case Op.STORE:
                memory[operand] = state.accumulator
            case Op.SET:
                state.accumulator = operand
            case Op.ADD:
                state.accumulator = (state.accumulator + operand) & 0xFF
            case _:
                if op == Op.JUMP or not state.accumulator:
                    state.counter = operand

    def _take_interrupt(self) -> None:
        wanted = self.state.pending & self.state.mask
        if wanted:
            self.state.pending &= ~wanted
            self.state.mask = 0
            self._go_on()

    def _go_on(self) -> None:
        if self._cycle:
            self.after(self._cycle, Step())
        else:
            self.ref.tell(Step())
