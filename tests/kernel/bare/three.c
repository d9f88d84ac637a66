/*
 * Three CPUs that count, each in its own doubleword, for experiments with a debugger.
 *
 * CPU 0 starts the others. Each calls `count` in a loop, enabled for external
 * interruptions: its clock comparator's come every 2 ms and count in `ticks`. CPUs 0
 * and 2 are enabled for I/O interruptions, which count in `statuses`. CPU 1 starts a
 * channel program on the first subchannel once `starts` is set. CPU 2 waits, with all
 * interruptions disabled but I/O, once `sleeps` is set.
 */

#include <stdint.h>

#define CPUS 3
#define EXTERNAL_NEW 0x1b0
#define IO_NEW 0x1f0
#define PROGRAM_NEW 0x1d0
#define SIGP_RESTART 6
#define SIGP_PREFIX 13
#define TICK (2000UL << 12)

struct psw {
    uint64_t mask, address;
};

volatile uint64_t counters[CPUS];
volatile uint64_t ticks[CPUS];
volatile uint64_t statuses[CPUS];
volatile uint64_t sleeps;
volatile uint64_t starts;
static const uint32_t subchannel = 0x00010000;
static uint32_t schib[13] __attribute__((aligned(4)));
static uint32_t irbs[CPUS][24] __attribute__((aligned(4)));
static uint64_t program __attribute__((aligned(8))) = 0x0320000100000000; /* NOP */
static uint32_t orb[8] __attribute__((aligned(4))) = {0, 0x0080ff00};
static uint8_t stacks[CPUS][8192] __attribute__((aligned(16), used));
static uint8_t lowcores[CPUS][8192] __attribute__((aligned(8192)));

void begin(void);
void external(void);
void io(void);
void run(uint64_t cpu);

__asm__(
    ".globl _start\n"
    "_start:\n"
    "    larl %r15,stacks\n"
    "    aghi %r15,8192-160\n"
    "    brasl %r14,begin\n"
    /* A CPU that a restart begins: its number and stack are in its lowcore. */
    ".globl other\n"
    "other:\n"
    "    lg %r2,0xe00\n"
    "    lg %r15,0xe08\n"
    "    brasl %r14,run\n"
    ".globl external\n"
    "external:\n"
    "    stmg %r0,%r15,0xe80\n"
    "    aghi %r15,-320\n"
    "    brasl %r14,tick\n"
    "    lmg %r0,%r15,0xe80\n"
    "    lpswe 0x130\n"
    ".globl io\n"
    "io:\n"
    "    stmg %r0,%r15,0xe80\n"
    "    aghi %r15,-320\n"
    "    brasl %r14,take_status\n"
    "    lmg %r0,%r15,0xe80\n"
    "    lpswe 0x170\n"
    "    .balign 8\n");

static void set_tick(void)
{
    uint64_t now;
    __asm__ volatile("stck %0" : "=Q"(now) : : "cc");
    now += TICK;
    __asm__ volatile("sckc %0" : : "Q"(now));
}

void tick(void)
{
    uint64_t cpu = *(volatile uint64_t *)0xe00;
    ticks[cpu]++;
    set_tick();
}

#define INSTRUCTION(NAME)                                                       \
    static int NAME(void *operand)                                              \
    {                                                                           \
        register uint64_t one __asm__("1") = subchannel;                        \
        uint32_t cc;                                                            \
        __asm__ volatile(#NAME " 0(%2)\n ipm %0\n srl %0,28"                    \
                         : "=d"(cc)                                             \
                         : "d"(one), "a"(operand)                               \
                         : "cc", "memory");                                     \
        return cc;                                                              \
    }

INSTRUCTION(stsch)
INSTRUCTION(msch)
INSTRUCTION(ssch)
INSTRUCTION(tsch)

void take_status(void)
{
    uint64_t cpu = *(volatile uint64_t *)0xe00;
    statuses[cpu]++;
    tsch(irbs[cpu]);
}

static void start_program(void)
{
    starts = 0;
    stsch(schib);
    schib[1] |= 0x00800000; /* enabled */
    msch(schib);
    orb[2] = (uint32_t)(uint64_t)&program;
    ssch(orb);
}

/* What a breakpoint is set at: it counts once. */
__attribute__((noinline)) void count(uint64_t cpu)
{
    counters[cpu]++;
}

static void set_lowcore(uint8_t *lowcore, uint64_t cpu)
{
    *(struct psw *)(lowcore + EXTERNAL_NEW) =
        (struct psw){0x0000000180000000, (uint64_t)external};
    *(struct psw *)(lowcore + IO_NEW) =
        (struct psw){0x0000000180000000, (uint64_t)io};
    *(struct psw *)(lowcore + PROGRAM_NEW) =
        (struct psw){0x0002000180000000, 0xdead};
    *(uint64_t *)(lowcore + 0xe00) = cpu;
    *(uint64_t *)(lowcore + 0xe08) = (uint64_t)stacks[cpu] + 8192 - 320;
}

static int signal_cpu(uint64_t cpu, uint64_t order, uint64_t parameter)
{
    register uint64_t one __asm__("1") = parameter;
    uint32_t cc;
    __asm__ volatile("sigp %1,%2,0(%3)\n ipm %0\n srl %0,28"
                     : "=d"(cc), "+d"(one)
                     : "d"(cpu), "a"(order)
                     : "cc", "memory");
    return cc;
}

void run(uint64_t cpu)
{
    static const uint64_t enabled = 0x0300000180000000;
    uint64_t control = 0x800; /* clock comparator */
    uint64_t classes = cpu == 1 ? 0 : 0xff000000;

    set_tick();
    __asm__ volatile("lctlg %%c0,%%c0,%0" : : "Q"(control));
    __asm__ volatile("lctlg %%c6,%%c6,%0" : : "Q"(classes));
    __asm__ volatile("ssm %0" : : "Q"(enabled));
    for (;;) {
        if (cpu == 1 && starts)
            start_program();
        if (cpu == 2 && sleeps) {
            static struct psw wait = {0x0202000180000000, 0xbeef0};
            __asm__ volatile("lpswe %0" : : "Q"(wait));
        }
        count(cpu);
    }
}

void other(void);

void begin(void)
{
    uint64_t cpu;
    uint32_t prefix;

    for (cpu = 0; cpu < CPUS; cpu++)
        set_lowcore(lowcores[cpu], cpu);
    for (cpu = 1; cpu < CPUS; cpu++) {
        *(struct psw *)(lowcores[cpu] + 0x1a0) =
            (struct psw){0x0000000180000000, (uint64_t)other};
        while (signal_cpu(cpu, SIGP_PREFIX, (uint64_t)lowcores[cpu]) == 2)
            ;
        while (signal_cpu(cpu, SIGP_RESTART, 0) == 2)
            ;
    }
    prefix = (uint32_t)(uint64_t)lowcores[0];
    __asm__ volatile("spx %0" : : "Q"(prefix) : "memory");
    run(0);
}
