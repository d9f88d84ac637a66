/*
 * Three CPUs that count, each in its own doubleword, for experiments with a debugger.
 *
 * CPU 0 starts the others. Each counts in `counters`, at `count`, with I/O and external
 * interruptions enabled; `ticks` counts its clock comparator's, which comes every 2 ms.
 * CPU 2 counts no more while `sleeps` is set: it waits with all interruptions disabled
 * but external ones, without a timer.
 */

#include <stdint.h>

#define CPUS 3
#define EXTERNAL_NEW 0x1b0
#define PROGRAM_NEW 0x1d0
#define SIGP_RESTART 6
#define SIGP_PREFIX 13
#define TICK (2000UL << 12)

struct psw {
    uint64_t mask, address;
};

volatile uint64_t counters[CPUS];
volatile uint64_t ticks[CPUS];
volatile uint64_t sleeps;
static uint8_t stacks[CPUS][8192] __attribute__((aligned(16), used));
static uint8_t lowcores[CPUS][8192] __attribute__((aligned(8192)));

void begin(void);
void external(void);
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

/* What a breakpoint is set at: it counts once. */
__attribute__((noinline)) void count(uint64_t cpu)
{
    counters[cpu]++;
}

static void set_lowcore(uint8_t *lowcore, uint64_t cpu)
{
    *(struct psw *)(lowcore + 0x1a0) =
        (struct psw){0x0000000180000000, 0};
    *(struct psw *)(lowcore + EXTERNAL_NEW) =
        (struct psw){0x0000000180000000, (uint64_t)external};
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

    set_tick();
    __asm__ volatile("lctlg %%c0,%%c0,%0" : : "Q"(control));
    __asm__ volatile("ssm %0" : : "Q"(enabled));
    for (;;) {
        if (cpu == 2 && sleeps) {
            /* Waits enabled for external interruptions that never come. */
            static struct psw wait = {0x0102000180000000, 0xbeef0};
            control = 0;
            __asm__ volatile("lctlg %%c0,%%c0,%0" : : "Q"(control));
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
