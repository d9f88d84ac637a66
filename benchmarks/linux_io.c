/* Times direct I/O from within a guest: one process for each device, all at once.

   io read|write sequential|random BYTES SECONDS DEVICE...

   It prints how many I/Os all of them did, and how long that took, in microseconds. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000ull + time.tv_nsec / 1000;
}

static long work(const char *device, int writes, int random, long bytes, uint64_t until)
{
	int file = open(device, (writes ? O_RDWR : O_RDONLY) | O_DIRECT);
	off_t places = file < 0 ? 0 : lseek(file, 0, SEEK_END) / bytes;
	uint32_t number = 1;
	long done = 0;
	void *data;

	/* The first 64 places of a DASD hold its label and the table of contents. */
	if (places <= 64 || posix_memalign(&data, 4096, bytes))
		return -1;
	memset(data, 0x5a, bytes);
	for (; now() < until; done++) {
		off_t place = done;

		if (random)
			place = (number = number * 1664525u + 1013904223u) >> 8;
		place = (64 + place % (places - 64)) * bytes;
		if ((writes ? pwrite(file, data, bytes, place)
			    : pread(file, data, bytes, place)) != bytes)
			return -1;
	}
	return done;
}

int main(int count, char **words)
{
	long bytes = atol(words[3]), seconds = atol(words[4]), all = 0;
	long *done = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int writes = !strcmp(words[1], "write"), random = !strcmp(words[2], "random");
	uint64_t begin = now();

	for (int at = 5; at < count; at++)
		if (!fork()) {
			done[at] = work(words[at], writes, random, bytes,
					begin + seconds * 1000000ull);
			_exit(0);
		}
	while (wait(0) > 0)
		;
	for (int at = 5; at < count; at++) {
		if (done[at] < 0)
			return 1;
		all += done[at];
	}
	printf("%ld %llu\n", all, (unsigned long long)(now() - begin));
	return 0;
}
