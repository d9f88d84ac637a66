/* init of the kernel under test: gives subchannels to vfio_ccw, and drives their regions.

   It reads /script and writes what happened to its standard output, one JSON object
   after "@" on a line. A line of the script is a setting, or a step of the thread that
   the last "thread" line began. Numbers are hexadecimal, but those of `devices` and
   `thread`, and milliseconds. Devices count from 0, in the order of their subchannels.

   | setting | what it does |
   |---|---|
   | ram SIZE | the storage that is mapped for DMA; each byte is ee |
   | devices N | how many subchannels to use, 1 without it |
   | data AT HEX | writes bytes to it |
   | probe LINE | appends LINE to tracefs' kprobe_events |
   | event NAME | enables an event of tracefs |
   | thread CPU DEVICE | begins a thread on that CPU, whose steps are for that device |

   | step | what it does |
   |---|---|
   | io HEX | writes an ORB and the request's SCSW, together 24 bytes, to the I/O region |
   | async N | writes the async region: 1 is HSCH, 2 is CSCH |
   | take MS | waits for the I/O interrupt, and reads the IRB |
   | read | reads the IRB |
   | schib, crw | reads that region |
   | mark | does nothing, by a system call that nothing else makes |
   | takecrw MS | waits for the CRW interrupt, and reads a report |
   | reset, close | resets or closes the device |
   | unmap AT SIZE | takes a part of the storage away from DMA |
   | renew SIZE | unmaps all storage and takes other memory of SIZE, each byte aa |
   | changed | counts the pages of that memory that have other bytes now |
   | put AT HEX | changes storage |
   | show AT SIZE | prints bytes of storage |
   | pins | prints how many pages are pinned in all |
   | slab | prints how many KiB of memory the kernel has in its slabs |
   | sleep MS | sleeps |
   | post N, await N | signals to another thread, or waits for that */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <linux/vfio_ccw.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TRACING "/sys/kernel/tracing/"
#define DEVICES "/sys/bus/css/devices/"
#define MDEVS "/sys/bus/mdev/devices/"
#define PAGE 4096
#define THREADS 4
#define DEVICES_MAX 2
#define STEPS 4096
#define SIGNALS 64

enum { IO, ASYNC, SCHIB, CRW, REGIONS };

struct device {
	char uuid[40];		/* of its mdev */
	int fd;
	int interrupt, report;	/* eventfds */
	off_t place[REGIONS];
	size_t size[REGIONS];
};

struct step {
	char *text;
};

struct thread {
	int cpu;
	struct device *device;
	int count;
	struct step steps[STEPS];
	int at;			/* the step in progress */
	int done;
	pthread_t id;
	FILE *log;
	char *words;
	size_t length;
};

static struct thread threads[THREADS];
static int thread_count;
static struct device devices[DEVICES_MAX];
static int device_count = 1;
static unsigned char *ram, *other;
static size_t ram_size, other_size;
static int container;
static sem_t signals[SIGNALS];
static struct timespec began;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void finish(void)
{
	fflush(stdout);
	/* The console sends its last lines when its timer says so. */
	usleep(400000);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* Says what is missing, and ends. */
static void fail(const char *what, int number)
{
	printf("@{\"failed\": \"%s\", \"errno\": %d}\n", what, number);
	finish();
}

static int put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND);
	ssize_t n;

	if (fd < 0)
		return errno;
	n = write(fd, text, strlen(text));
	n = n < 0 ? errno : 0;
	close(fd);
	return n;
}

/* -- the script ------------------------------------------------------------------- */

static size_t bytes_of(const char *hex, unsigned char *to, size_t most)
{
	size_t n = 0;
	unsigned byte;

	while (n < most && sscanf(hex + 2 * n, "%2x", &byte) == 1)
		to[n++] = byte;
	return n;
}

static unsigned long number_of(char **text)
{
	return strtoul(*text, text, 16);
}

static int starts(const char *text, const char *word, char **rest)
{
	size_t n = strlen(word);

	if (strncmp(text, word, n) || (text[n] && text[n] != ' '))
		return 0;
	*rest = (char *)text + n + (text[n] == ' ');
	return 1;
}

static void take_ram(size_t wanted)
{
	ram_size = wanted;
	ram = mmap(0, ram_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		fail("memory", errno);
	memset(ram, 0xee, ram_size);
}

static void begin_thread(char *numbers)
{
	struct thread *thread = &threads[thread_count++];
	unsigned number;

	if (thread_count > THREADS)
		fail("script: too many threads", 0);
	thread->cpu = strtol(numbers, &numbers, 10);
	number = strtoul(numbers, 0, 10);
	if (number >= (unsigned)device_count)
		fail("script: a thread for a device that is not there", 0);
	thread->device = &devices[number];
}

static void setting(char *line)
{
	char path[512], *rest;
	int error = 0;

	if (starts(line, "ram", &rest)) {
		take_ram(number_of(&rest));
	} else if (starts(line, "data", &rest)) {
		unsigned long at = number_of(&rest);

		bytes_of(rest + 1, ram + at, ram_size - at);
	} else if (starts(line, "probe", &rest)) {
		error = put_file(TRACING "kprobe_events", rest);
		if (error)
			printf("@{\"unknown\": \"probe %s\", \"errno\": %d}\n", rest, error);
	} else if (starts(line, "event", &rest)) {
		snprintf(path, sizeof(path), TRACING "events/%s/enable", rest);
		error = put_file(path, "1");
		if (error)
			printf("@{\"unknown\": \"event %s\", \"errno\": %d}\n", rest, error);
	} else if (starts(line, "devices", &rest)) {
		device_count = atoi(rest);
		if (device_count < 1 || device_count > DEVICES_MAX)
			fail("script: too many devices", 0);
	} else if (starts(line, "thread", &rest)) {
		begin_thread(rest);
	} else if (*line && *line != '#') {
		struct thread *thread = &threads[thread_count - 1];

		if (!thread_count || thread->count == STEPS)
			fail("script: a step without a thread, or too many", 0);
		thread->steps[thread->count++].text = strdup(line);
	}
}

static void read_script(void)
{
	static char line[1 << 20];
	FILE *file = fopen("/script", "r");

	if (!file)
		fail("script", errno);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		setting(line);
	}
	fclose(file);
}

/* -- the subchannels -------------------------------------------------------------- */

static void to_subchannel(const char *name, const char *file, const char *text)
{
	char path[512];
	int error;

	snprintf(path, sizeof(path), DEVICES "%s/%s", name, file);
	error = put_file(path, text);
	if (error)
		fail(path, error);
}

/* Finds the first I/O subchannel behind the one that is called `name`. */
static void next_subchannel(char *name, size_t most)
{
	DIR *folder = opendir(DEVICES);
	char found[64] = "";
	struct dirent *entry;

	if (!folder)
		fail(DEVICES, errno);
	while ((entry = readdir(folder))) {
		if (strncmp(entry->d_name, "0.", 2) || strcmp(entry->d_name, name) <= 0)
			continue;
		if (!*found || strcmp(entry->d_name, found) < 0)
			snprintf(found, sizeof(found), "%.60s", entry->d_name);
	}
	closedir(folder);
	if (!*found)
		fail("no subchannel", 0);
	snprintf(name, most, "%s", found);
}

static void bind_subchannel(const char *name, const char *uuid)
{
	char path[512];
	struct stat there;

	snprintf(path, sizeof(path), DEVICES "%s/driver", name);
	if (!stat(path, &there))
		to_subchannel(name, "driver/unbind", name);
	to_subchannel(name, "driver_override", "vfio_ccw");
	if (put_file("/sys/bus/css/drivers/vfio_ccw/bind", name))
		fail("vfio_ccw: bind", errno);
	to_subchannel(name, "mdev_supported_types/vfio_ccw-io/create", uuid);
	printf("@{\"subchannel\": \"%s\"}\n", name);
}

static void bind_subchannels(void)
{
	char name[64] = "";
	struct stat there;

	if (stat("/sys/bus/css/drivers/vfio_ccw", &there))
		fail("vfio_ccw", errno);
	for (int i = 0; i < device_count; i++) {
		struct device *device = &devices[i];

		next_subchannel(name, sizeof(name));
		snprintf(device->uuid, sizeof(device->uuid),
			 "11111111-2222-3333-4444-55555555555%d", i % 10);
		bind_subchannel(name, device->uuid);
	}
}

static void map_ram(void)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)ram,
		.size = ram_size,
	};

	if (ioctl(container, VFIO_IOMMU_MAP_DMA, &map))
		fail("VFIO_IOMMU_MAP_DMA", errno);
}

static int event_source(struct device *device, unsigned index)
{
	char buffer[sizeof(struct vfio_irq_set) + sizeof(int)];
	struct vfio_irq_set *set = (void *)buffer;
	int fd = eventfd(0, EFD_NONBLOCK);

	*set = (struct vfio_irq_set){
		.argsz = sizeof(buffer),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = index,
		.count = 1,
	};
	memcpy(set->data, &fd, sizeof(fd));
	if (ioctl(device->fd, VFIO_DEVICE_SET_IRQS, set))
		fail("VFIO_DEVICE_SET_IRQS", errno);
	return fd;
}

static int open_group(struct device *device)
{
	char path[512], target[512];
	ssize_t n;

	snprintf(path, sizeof(path), MDEVS "%s/iommu_group", device->uuid);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		fail("iommu_group", errno);
	target[n] = 0;
	snprintf(path, sizeof(path), "/dev/vfio%s", strrchr(target, '/'));
	return open(path, O_RDWR);
}

static void find_regions(struct device *device)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	if (ioctl(device->fd, VFIO_DEVICE_GET_INFO, &info))
		fail("VFIO_DEVICE_GET_INFO", errno);
	for (unsigned i = 0; i < info.num_regions && i < REGIONS; i++) {
		struct vfio_region_info region = { .argsz = sizeof(region), .index = i };

		if (ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &region))
			fail("VFIO_DEVICE_GET_REGION_INFO", errno);
		device->place[i] = region.offset;
		device->size[i] = region.size;
	}
}

/* Opens all devices, for one container. The first one makes it ready for storage. */
static void open_devices(void)
{
	container = open("/dev/vfio/vfio", O_RDWR);
	for (int i = 0; i < device_count; i++) {
		struct device *device = &devices[i];
		int group = open_group(device);

		if (container < 0 || group < 0)
			fail("/dev/vfio", errno);
		if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container))
			fail("VFIO_GROUP_SET_CONTAINER", errno);
		if (!i) {
			if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
				fail("VFIO_SET_IOMMU", errno);
			map_ram();
		}
		device->fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, device->uuid);
		if (device->fd < 0)
			fail("VFIO_GROUP_GET_DEVICE_FD", errno);
		find_regions(device);
		device->interrupt = event_source(device, VFIO_CCW_IO_IRQ_INDEX);
		device->report = event_source(device, VFIO_CCW_CRW_IRQ_INDEX);
	}
}

/* -- steps ------------------------------------------------------------------------ */

static void show(FILE *log, const void *from, size_t n)
{
	const unsigned char *byte = from;

	fprintf(log, ", \"data\": \"");
	while (n--)
		fprintf(log, "%02x", *byte++);
	fprintf(log, "\"");
}

/* Returns 0 or an errno; it adds fields to the log's line. */
static int get_region(FILE *log, const struct device *device, int region)
{
	unsigned char image[512];
	ssize_t n;

	if (device->size[region] > sizeof(image))
		return E2BIG;
	n = pread(device->fd, image, device->size[region], device->place[region]);
	if (n < 0)
		return errno;
	if (region == IO)	/* the IRB is what follows ORB and SCSW */
		show(log, ((struct ccw_io_region *)image)->irb_area, 96);
	else
		show(log, image, n);
	return 0;
}

static int await_event(FILE *log, int fd, int patience)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };
	uint64_t counter;

	if (poll(&wanted, 1, patience) <= 0)
		return ETIMEDOUT;
	if (read(fd, &counter, sizeof(counter)) < 0)
		return errno;
	fprintf(log, ", \"signals\": %llu", (unsigned long long)counter);
	return 0;
}

static int unmap(FILE *log, unsigned long at, unsigned long length)
{
	struct vfio_iommu_type1_dma_unmap range = {
		.argsz = sizeof(range), .iova = at, .size = length,
	};

	if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &range))
		return errno;
	fprintf(log, ", \"unmapped\": %llu", (unsigned long long)range.size);
	return 0;
}

static int renew(FILE *log, size_t wanted)
{
	int error = unmap(log, 0, ram_size);

	munmap(ram, ram_size);
	ram = 0;
	other_size = wanted;
	other = mmap(0, other_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	if (other == MAP_FAILED)
		return errno;
	memset(other, 0xaa, other_size);
	return error;
}

static void count_changed(FILE *log)
{
	unsigned long pages = 0;
	const unsigned char *first = 0;

	for (size_t at = 0; at < other_size; at += PAGE)
		for (size_t i = 0; i < PAGE; i++)
			if (other[at + i] != 0xaa) {
				if (!pages++)
					first = other + at + i;
				break;
			}
	fprintf(log, ", \"count\": %lu", pages);
	if (first)
		show(log, first, 16);
}

static void count_pins(FILE *log)
{
	char line[128], name[64];
	unsigned long value, pinned = 0, released = 0;
	FILE *file;

	/* Each CPU has a part of these numbers until this adds them up. */
	put_file("/proc/sys/vm/stat_refresh", "1");
	file = fopen("/proc/vmstat", "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %lu", name, &value) == 2) {
			if (!strcmp(name, "nr_foll_pin_acquired"))
				pinned = value;
			if (!strcmp(name, "nr_foll_pin_released"))
				released = value;
		}
	if (file)
		fclose(file);
	fprintf(log, ", \"count\": %ld", (long)(pinned - released));
}

static void count_slab(FILE *log)
{
	char line[128];
	unsigned long kib = 0;
	FILE *file = fopen("/proc/meminfo", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Slab: %lu", &kib) == 1)
			break;
	if (file)
		fclose(file);
	fprintf(log, ", \"count\": %lu", kib);
}

static int put_region(const struct device *device, int region, const void *image,
		      size_t length)
{
	return pwrite(device->fd, image, length, device->place[region]) < 0 ? errno : 0;
}

static int write_io(const struct device *device, const char *hex)
{
	struct ccw_io_region image = { 0 };
	unsigned char words[24];

	bytes_of(hex, words, sizeof(words));
	memcpy(image.orb_area, words, 12);
	memcpy(image.scsw_area, words + 12, 12);
	return put_region(device, IO, &image, sizeof(image));
}

static int write_async(const struct device *device, unsigned command)
{
	struct ccw_cmd_region image = { .command = command };

	return put_region(device, ASYNC, &image, sizeof(image));
}

static int do_memory(FILE *log, const char *text)
{
	char *rest;
	unsigned long at;

	if (starts(text, "unmap", &rest)) {
		at = number_of(&rest);
		return unmap(log, at, number_of(&rest));
	}
	if (starts(text, "renew", &rest))
		return renew(log, number_of(&rest));
	if (starts(text, "changed", &rest)) {
		count_changed(log);
	} else if (starts(text, "pins", &rest)) {
		count_pins(log);
	} else if (starts(text, "slab", &rest)) {
		count_slab(log);
	} else if (starts(text, "put", &rest)) {
		at = number_of(&rest);
		bytes_of(rest + 1, ram + at, ram_size - at);
	} else if (starts(text, "show", &rest)) {
		at = number_of(&rest);
		show(log, ram + at, number_of(&rest));
	} else {
		return ENOSYS;
	}
	return 0;
}

static int do_device(FILE *log, const struct device *device, const char *text)
{
	char *rest;

	if (starts(text, "io", &rest))
		return write_io(device, rest);
	if (starts(text, "async", &rest))
		return write_async(device, number_of(&rest));
	if (starts(text, "take", &rest)) {
		int error = await_event(log, device->interrupt, strtol(rest, 0, 10));

		return error ? error : get_region(log, device, IO);
	}
	if (starts(text, "takecrw", &rest)) {
		int error = await_event(log, device->report, strtol(rest, 0, 10));

		return error ? error : get_region(log, device, CRW);
	}
	if (starts(text, "read", &rest))
		return get_region(log, device, IO);
	if (starts(text, "schib", &rest))
		return get_region(log, device, SCHIB);
	if (starts(text, "crw", &rest))
		return get_region(log, device, CRW);
	if (starts(text, "reset", &rest))
		return ioctl(device->fd, VFIO_DEVICE_RESET) ? errno : 0;
	if (starts(text, "close", &rest))
		return close(device->fd) ? errno : 0;
	return do_memory(log, text);
}

static int do_step(FILE *log, const struct device *device, const char *text)
{
	char *rest;

	if (starts(text, "mark", &rest))
		return sched_get_priority_max(SCHED_FIFO) < 0 ? errno : 0;
	if (starts(text, "sleep", &rest))
		return usleep(strtol(rest, 0, 10) * 1000) ? errno : 0;
	if (starts(text, "post", &rest))
		return sem_post(&signals[number_of(&rest) % SIGNALS]) ? errno : 0;
	if (starts(text, "await", &rest))
		return sem_wait(&signals[number_of(&rest) % SIGNALS]) ? errno : 0;
	return do_device(log, device, text);
}

static void *run_thread(void *argument)
{
	struct thread *thread = argument;
	int number = thread - threads;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(thread->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (thread->at = 0; thread->at < thread->count; thread->at++) {
		const char *text = thread->steps[thread->at].text;
		double from = now();
		int error;

		fprintf(thread->log, "@{\"thread\": %d, \"step\": %d, \"do\": \"%.60s\"",
			number, thread->at, text);
		error = do_step(thread->log, thread->device, text);
		fprintf(thread->log,
			", \"errno\": %d, \"from\": %.6f, \"to\": %.6f}\n", error,
			from - began.tv_sec, now() - began.tv_sec);
		fflush(thread->log);
	}
	__atomic_store_n(&thread->done, 1, __ATOMIC_SEQ_CST);
	return 0;
}

/* Runs the threads for at most `patience` seconds; says which ones hang. */
static void run_threads(int patience)
{
	int running = thread_count;

	for (int i = 0; i < SIGNALS; i++)
		sem_init(&signals[i], 0, 0);
	for (int i = 0; i < thread_count; i++)
		threads[i].log = open_memstream(&threads[i].words, &threads[i].length);
	clock_gettime(CLOCK_MONOTONIC, &began);
	began.tv_nsec = 0;
	printf("@{\"begins\": %d}\n", thread_count);
	fflush(stdout);
	for (int i = 0; i < thread_count; i++)
		if (pthread_create(&threads[i].id, 0, run_thread, &threads[i]))
			fail("pthread_create", errno);
	for (double end = now() + patience; running && now() < end; usleep(20000)) {
		running = 0;
		for (int i = 0; i < thread_count; i++)
			running += !__atomic_load_n(&threads[i].done, __ATOMIC_SEQ_CST);
	}
	for (int i = 0; i < thread_count; i++) {
		fwrite(threads[i].words, 1, threads[i].length, stdout);
		if (!threads[i].done)
			printf("\n@{\"thread\": %d, \"hangs\": \"%.60s\"}\n", i,
			       threads[i].steps[threads[i].at].text);
	}
}

static void print_trace(void)
{
	char line[1024];
	FILE *file = fopen(TRACING "trace", "r");

	while (file && fgets(line, sizeof(line), file))
		if (*line != '#' && *line != '\n')
			printf("@trace %s", line);
}

/* Gives the kernel's work to CPU 0, as far as it may move: the threads have others. */
static void move_kernel_threads(void)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	while (folder && (entry = readdir(folder)))
		if (atoi(entry->d_name))
			sched_setaffinity(atoi(entry->d_name), sizeof(set), &set);
	if (folder)
		closedir(folder);
	put_file("/sys/devices/virtual/workqueue/cpumask", "1");
}

int main(void)
{
	FILE *patience;
	int seconds = 20;

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mount("proc", "/proc", "proc", 0, 0);
	mount("sysfs", "/sys", "sysfs", 0, 0);
	mount("devtmpfs", "/dev", "devtmpfs", 0, 0);
	mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, 0);
	read_script();
	bind_subchannels();
	open_devices();
	put_file(TRACING "trace_clock", "global");
	move_kernel_threads();
	patience = fopen("/patience", "r");
	if (patience && fscanf(patience, "%d", &seconds) != 1)
		fail("patience", 0);
	run_threads(seconds);
	print_trace();
	printf("@{\"over\": true}\n");
	finish();
}
