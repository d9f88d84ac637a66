/*
 * Parts that programs without an operating system share: a console, the instructions
 * for a device, and a channel program that reads one record.
 *
 * They print "@ NAME ..." lines on the SCLP's ASCII console, and stop their CPU. The
 * device is the first valid subchannel. The record is the first one of the track below,
 * which the test makes slow.
 */

#include <stdint.h>

void run(void);

#define UNUSED __attribute__((unused))
#define CYLINDER 4
#define HEAD 0
#define SIZE 4096
#define SPINS 2000000000UL

struct ccw {
    uint8_t command, flags;
    uint16_t count;
    uint32_t address;
};

struct orb {
    uint32_t parameter, flags, program, more[5];
};

static uint8_t sccb[4096] __attribute__((aligned(4096)));
static uint8_t data[SIZE] __attribute__((aligned(4096)));
static uint8_t stack[16384] __attribute__((aligned(16), used));
static uint32_t schib[13] __attribute__((aligned(4)));
static uint32_t irb[24] __attribute__((aligned(4)));
static struct orb orb __attribute__((aligned(4)));
static struct ccw program[3] __attribute__((aligned(8)));
static uint8_t extent[16] __attribute__((aligned(8)));
static uint8_t locate[16] __attribute__((aligned(8)));

/* Enters the program with a stack; a program interrupt ends in a disabled wait. */
__asm__(
    ".globl _start\n"
    "_start:\n"
    "    larl %r15,stack_top\n"
    "    aghi %r15,-160\n"
    "    larl %r1,wait\n"
    "    mvc 0x1d0(16,%r0),0(%r1)\n"
    "    brasl %r14,run\n"
    "    lghi %r1,0\n"
    "    stap 0x800\n"
    "    lh %r3,0x800\n"
    "    sigp %r0,%r3,5\n"
    "0:  j 0b\n"
    "    .balign 8\n"
    "wait: .quad 0x0002000180000000, 0xdead\n");

/* Executes an I/O instruction with a subchannel's number in register 1; returns cc. */
#define INSTRUCTION(NAME, TEXT)                                                 \
    static UNUSED int NAME(uint32_t number, void *operand)                      \
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
INSTRUCTION(store_subchannel, "stsch 0(%2)")
INSTRUCTION(modify_subchannel, "msch 0(%2)")
INSTRUCTION(test_subchannel, "tsch 0(%2)")
INSTRUCTION(halt_subchannel, "hsch")
INSTRUCTION(clear_subchannel, "csch")

static UNUSED uint64_t clock(void)
{
    uint64_t now;
    __asm__ volatile("stck %0" : "=Q"(now) : : "cc");
    return now >> 12; /* bit 51 is a microsecond */
}

static void service_call(uint32_t command)
{
    uint64_t block = (uint64_t)sccb;
    __asm__ volatile(".insn rre,0xb2200000,%0,%1"
                     :
                     : "d"((uint64_t)command), "a"(block)
                     : "cc", "memory");
}

static void clear(uint8_t *at, unsigned length)
{
    while (length--)
        *at++ = 0;
}

static void begin_console(void)
{
    clear(sccb, 28);
    sccb[1] = 28;
    sccb[11] = 4;    /* masks of four bytes */
    sccb[19] = 0x40; /* we send event type 1A */
    service_call(0x00780005);
}

static UNUSED void print(const char *text)
{
    unsigned length = 0;

    clear(sccb, 14);
    while (text[length]) {
        sccb[14 + length] = text[length];
        length++;
    }
    sccb[1] = 14 + length;
    sccb[9] = 6 + length;
    sccb[10] = 0x1a;
    service_call(0x00760005);
}

static void print_bytes(const char *name, const void *at, unsigned length)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *byte = at;
    char text[160];
    unsigned used = 0;

    while (*name)
        text[used++] = *name++;
    while (length--) {
        text[used++] = digits[*byte >> 4];
        text[used++] = digits[*byte++ & 15];
    }
    text[used++] = '\n';
    text[used] = 0;
    print(text);
}

static void print_word(const char *name, uint32_t word)
{
    print_bytes(name, &word, 4);
}

/* Wait for a status, and print it; return the condition code of TSCH. */
static int wait_for_status(uint32_t number)
{
    unsigned long spins = SPINS;
    int cc;

    do {
        cc = test_subchannel(number, irb);
    } while (cc == 1 && --spins);
    print_bytes("@ irb ", irb, 64);
    return cc;
}

/* Write the channel program that reads the record. */
static void build(void)
{
    extent[0] = 0x40;
    extent[1] = 0xc0;
    extent[9] = extent[13] = CYLINDER;
    extent[11] = extent[15] = HEAD;
    locate[0] = 0x06; /* read data */
    locate[3] = 1;
    locate[5] = locate[9] = CYLINDER;
    locate[7] = locate[11] = HEAD;
    locate[12] = 1; /* record 1 */
    program[0] = (struct ccw){0x63, 0x40, 16, (uint32_t)(uint64_t)extent};
    program[1] = (struct ccw){0x47, 0x40, 16, (uint32_t)(uint64_t)locate};
    program[2] = (struct ccw){0x06, 0x00, SIZE, (uint32_t)(uint64_t)data};
    orb.parameter = 0x11223344;
    orb.flags = 0x0080ff00; /* format 1, every path */
    orb.program = (uint32_t)(uint64_t)program;
}

/* Find the device, enable its subchannel, and return the subchannel's number. */
static uint32_t find_device(void)
{
    uint32_t number = 0x00010000;

    while (store_subchannel(number, schib) == 0 && !(schib[1] & 0x00010000))
        number++;
    print_word("@ pmcw ", schib[1]);
    schib[1] |= 0x00800000; /* enabled */
    print_word("@ msch ", modify_subchannel(number, schib));
    return number;
}

static UNUSED void spend(uint64_t microseconds)
{
    uint64_t begun = clock();

    while (clock() - begun < microseconds)
        ;
}

__asm__(".globl stack_top\n.set stack_top, stack + 16384\n");
