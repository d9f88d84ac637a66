/*
 * Executes batches of I/O instructions, and records what they show.
 *
 * The host loads a list of cases to INPUT. A case is three words (pieces, instructions,
 * zero), then pieces of storage (address, length, content padded to 8 bytes), then
 * instructions (operation, subchannel, address, zero). For each case the program clears
 * WATCHED, stores the pieces, and executes. OUTPUT gets, for each instruction, its
 * condition code and 96 bytes of IRB, and then the blocks of WATCHED that are not zero,
 * each after its address, ended by a zero. Storage from OUTPUT on is saved at the end.
 */

typedef unsigned int u32;
typedef unsigned long u64;
typedef unsigned char u8;

enum {
	INPUT = 0x100000,
	OUTPUT = 0x1000000,
	OUTPUT_END = 0x2000000,
	WATCHED = 0x40000,
	WATCHED_END = 0x80000,
	BLOCK = 256,
	IRB_SIZE = 96,
	UNTOUCHED = 0xee,
	TIMEOUT = 9,
	POLLS = 3000000,
};

enum operation { MSCH = 1, SSCH = 2, TSCHPOLL = 3, DELAY = 4 };

struct piece { u32 address, length; };
struct instruction { u32 operation, subchannel, address, zero; };

static u8 irb[IRB_SIZE] __attribute__((aligned(8)));
static u32 *out = (u32 *)(u64)OUTPUT + 4;

#define IO(name, instruction)                                                  \
	static u32 name(u32 subchannel, u64 address)                           \
	{                                                                      \
		register u64 schid asm("1") = subchannel;                      \
		u32 cc;                                                        \
		asm volatile(instruction " 0(%1)\n\tipm %0\n\tsrl %0,28"       \
			     : "=d"(cc)                                        \
			     : "a"(address), "d"(schid)                        \
			     : "cc", "memory");                                \
		return cc;                                                     \
	}

IO(msch, "msch")
IO(ssch, "ssch")
IO(tsch, "tsch")

static void csch(u32 subchannel)
{
	register u64 schid asm("1") = subchannel;
	asm volatile("csch" : : "d"(schid) : "cc", "memory");
}

void *memcpy(void *to, const void *from, u64 size)
{
	u8 *target = to;
	const u8 *source = from;
	while (size--)
		*target++ = *source++;
	return to;
}

void *memset(void *to, int value, u64 size)
{
	u8 *target = to;
	while (size--)
		*target++ = value;
	return to;
}

static void command(const char *text)
{
	u64 length = 0;
	while (text[length])
		length++;
	asm volatile("diag %0,%1,8" : : "d"(text), "d"(length) : "cc", "memory");
}

/* Save the output, with the code in its first word, and end Hercules. */
void finish(u64 code)
{
	((u32 *)(u64)OUTPUT)[0] = code;
	((u32 *)(u64)OUTPUT)[1] = (u32)(u64)out;
	command("cpu 1"); /* It is stopped, as SAVECORE wants the target processor. */
	command("savecore output.bin 1000000 1ffffff");
	command("quit");
	for (;;)
		;
}

static int is_zero(const u64 *block)
{
	for (int i = 0; i < BLOCK / 8; i++)
		if (block[i])
			return 0;
	return 1;
}

/* TEST until there is status; a program that never ends is cleared. */
static u32 poll(u32 subchannel)
{
	for (u32 left = POLLS; left; left--) {
		u32 cc = tsch(subchannel, (u64)irb);
		if (cc != 1)
			return cc;
	}
	csch(subchannel);
	for (u32 left = POLLS; tsch(subchannel, (u64)irb) == 1; left--)
		if (!left)
			finish(3);
	return TIMEOUT;
}

static u32 execute(const struct instruction *one)
{
	switch (one->operation) {
	case MSCH:
		return msch(one->subchannel, one->address);
	case SSCH:
		return ssch(one->subchannel, one->address);
	case TSCHPOLL:
		return poll(one->subchannel);
	default:
		return 0;
	}
}

static void record_watched(void)
{
	for (u64 at = WATCHED; at < WATCHED_END; at += BLOCK) {
		if (is_zero((u64 *)at))
			continue;
		*out++ = at;
		memcpy(out, (void *)at, BLOCK);
		out += BLOCK / 4;
	}
	*out++ = 0;
}

static const u32 *run_case(const u32 *in)
{
	u32 pieces = in[0], instructions = in[1];
	if ((u64)out > OUTPUT_END - 2 * (WATCHED_END - WATCHED))
		finish(2);
	for (u64 *word = (u64 *)(u64)WATCHED; word < (u64 *)(u64)WATCHED_END;)
		*word++ = 0;
	in += 4;
	while (pieces--) {
		memcpy((void *)(u64)in[0], in + 2, in[1]);
		in += 2 + (in[1] + 7) / 8 * 2;
	}
	for (; instructions--; in += 4) {
		memset(irb, UNTOUCHED, IRB_SIZE);
		*out++ = execute((const struct instruction *)in);
		memcpy(out, irb, IRB_SIZE);
		out += IRB_SIZE / 4;
	}
	record_watched();
	return in;
}

void run(void)
{
	const u32 *in = (const u32 *)(u64)INPUT;
	u32 cases = *in;
	in += 4;
	while (cases--)
		in = run_case(in);
	finish(0);
}
