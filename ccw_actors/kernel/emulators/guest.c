/*
 * A guest without an operating system: it executes one I/O instruction at a time, as
 * the program outside asks, and gives back condition code and operand.
 *
 * Each CPU has a box in storage, at BOXES, of 256 bytes:
 *
 *   offset  who     content
 *   0       guest   READY
 *   4       guest   how often this CPU has started, which survives an IPL
 *   8       outside number of the newest request; written last
 *   12      guest   number of the newest request that was executed; written last
 *   16      outside the instruction, as in enum below
 *   20      outside general register 1, or the operand of DIAGNOSE
 *   24      guest   condition code
 *   32      outside the operand: ORB, 32 bytes, or SCHIB, 52 bytes
 *   128     guest   the result: IRB, 96 bytes; SCHIB; interruption code, 12 bytes
 *
 * A request is not answered if the instruction ends in a program interruption; the CPU
 * then waits, disabled.
 */

#include <stdint.h>

#define BOXES 0x00100000UL
#define READY 0x63637731u

enum {
    START_SUBCHANNEL = 1,
    TEST_SUBCHANNEL,
    STORE_SUBCHANNEL,
    MODIFY_SUBCHANNEL,
    HALT_SUBCHANNEL,
    CLEAR_SUBCHANNEL,
    CANCEL_SUBCHANNEL,
    RESUME_SUBCHANNEL,
    TEST_PENDING_INTERRUPTION,
    LOAD_AGAIN,
    START_CPU,
    STOP_CPU,
};

struct box {
    volatile uint32_t ready, lives, request, reply, instruction, register_1, cc, none;
    uint8_t operand[96], result[128];
};

void run(void);

static uint8_t stacks[2][4096] __attribute__((aligned(16), used));

/*
 * Enters `run` with a stack for this CPU. A program interruption ends in a disabled
 * wait. Another CPU begins here as well, by a restart.
 */
__asm__(
    ".globl _start\n"
    "_start:\n"
    "    larl %r1,wait\n"
    "    mvc 0x1d0(16,%r0),0(%r1)\n"
    "    mvc 0x1a0(16,%r0),16(%r1)\n"
    "    larl %r1,masks\n"
    "    lctlg %c6,%c6,0(%r1)\n"
    "    stap 0x800\n"
    "    lh %r2,0x800\n"
    "    larl %r15,stacks\n"
    "    sllg %r1,%r2,12\n"
    "    la %r15,0(%r1,%r15)\n"
    "    aghi %r15,3936\n"
    "    brasl %r14,run\n"
    "    .balign 8\n"
    "wait: .quad 0x0002000180000000, 0xdead\n"
    "      .quad 0x0000000180000000, _start\n"
    "masks: .quad 0xff000000\n");

#define INSTRUCTION(NAME, TEXT)                                                 \
    static uint32_t NAME(uint32_t number, void *operand)                        \
    {                                                                           \
        register uint64_t one __asm__("1") = number;                            \
        uint32_t cc;                                                            \
        __asm__ volatile(TEXT "\n ipm %0\n srl %0,28"                           \
                         : "=d"(cc)                                             \
                         : "d"(one), "a"(operand)                               \
                         : "cc", "memory");                                     \
        return cc;                                                              \
    }

INSTRUCTION(start_subchannel, "ssch 0(%2)")
INSTRUCTION(test_subchannel, "tsch 0(%2)")
INSTRUCTION(store_subchannel, "stsch 0(%2)")
INSTRUCTION(modify_subchannel, "msch 0(%2)")
INSTRUCTION(halt_subchannel, "hsch")
INSTRUCTION(clear_subchannel, "csch")
INSTRUCTION(cancel_subchannel, "xsch")
INSTRUCTION(resume_subchannel, "rsch")
INSTRUCTION(test_pending_interruption, "tpi 0(%2)")

static uint32_t load_again(uint32_t subcode)
{
    __asm__ volatile("diag %0,%1,0x308"
                     :
                     : "d"(0UL), "d"((uint64_t)subcode)
                     : "memory");
    return 0;
}

#define SIGNAL(NAME, ORDER)                                                     \
    static uint32_t NAME(uint32_t address)                                      \
    {                                                                           \
        register uint64_t parameter __asm__("1") = 0;                           \
        uint32_t cc;                                                            \
        __asm__ volatile("sigp %1,%2," ORDER "\n ipm %0\n srl %0,28"            \
                         : "=d"(cc), "+d"(parameter)                            \
                         : "d"((uint64_t)address)                               \
                         : "cc", "memory");                                     \
        return cc;                                                              \
    }

SIGNAL(stop_cpu, "5")
SIGNAL(start_cpu, "6")

static uint32_t execute(struct box *box)
{
    uint32_t number = box->register_1;

    switch (box->instruction) {
    case START_SUBCHANNEL:
        return start_subchannel(number, box->operand);
    case TEST_SUBCHANNEL:
        return test_subchannel(number, box->result);
    case STORE_SUBCHANNEL:
        return store_subchannel(number, box->result);
    case MODIFY_SUBCHANNEL:
        return modify_subchannel(number, box->operand);
    case HALT_SUBCHANNEL:
        return halt_subchannel(number, 0);
    case CLEAR_SUBCHANNEL:
        return clear_subchannel(number, 0);
    case CANCEL_SUBCHANNEL:
        return cancel_subchannel(number, 0);
    case RESUME_SUBCHANNEL:
        return resume_subchannel(number, 0);
    case TEST_PENDING_INTERRUPTION:
        return test_pending_interruption(0, box->result);
    case LOAD_AGAIN:
        return load_again(number);
    case START_CPU:
        return start_cpu(number);
    case STOP_CPU:
        return stop_cpu(number);
    }
    return 15;
}

static void serialize(void)
{
    __asm__ volatile("bcr 15,0" : : : "memory");
}

void run(void)
{
    uint16_t address;
    struct box *box;
    uint32_t newest;

    __asm__ volatile("stap %0" : "=Q"(address));
    box = (struct box *)BOXES + address;
    newest = box->request;
    box->lives++;
    box->ready = READY;
    serialize();
    box->reply = newest;
    for (;;) {
        while (box->request == newest)
            ;
        serialize();
        newest = box->request;
        box->cc = execute(box);
        serialize();
        box->reply = newest;
    }
}
