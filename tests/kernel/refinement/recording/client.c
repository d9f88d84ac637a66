/* Makes random requests of the vfio_ccw of the kernel that it runs on.

   client GROUP UUID SEED REQUESTS THREADS RESETS

   Opens the device, then makes REQUESTS requests from each of THREADS threads, one
   thread on each CPU. RESET and DMA_UNMAP come from RESETS of the threads at most: two at
   once cost a kernel the device. A request, and what it returned, is written to the trace's marker
   file: "call NAME ARGUMENT" and "ret NAME RESULT", for a read with the IRB. The same
   seed makes the same requests. */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <linux/vfio_ccw.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM (1u << 20)
#define PROGRAMS 7

static unsigned char *ram;
static int device, container, events, marker, requests, resets;
static off_t offset[4];

static void die(const char *what) { perror(what); exit(1); }

static void mark(const char *format, ...)
{
	char text[200];
	va_list list;
	va_start(list, format);
	int length = vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (write(marker, text, length) != length) die("trace_marker");
}

static void map(void)
{
	struct vfio_iommu_type1_dma_map m = { .argsz = sizeof(m), .flags = 3, .size = RAM };
	m.vaddr = (uint64_t)ram;
	if (ioctl(container, VFIO_IOMMU_MAP_DMA, &m)) die("MAP_DMA");
}

static void open_device(const char *group, const char *uuid)
{
	int fd = open(group, O_RDWR);
	container = open("/dev/vfio/vfio", O_RDWR);
	if (container < 0 || fd < 0) die("open");
	if (ioctl(fd, VFIO_GROUP_SET_CONTAINER, &container)) die("SET_CONTAINER");
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU)) die("SET_IOMMU");
	ram = mmap(0, RAM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(ram, 0, RAM);
	map();
	device = ioctl(fd, VFIO_GROUP_GET_DEVICE_FD, uuid);
	if (device < 0) die("GET_DEVICE_FD");
	for (unsigned i = 0; i < 4; i++) {
		struct vfio_region_info r = { .argsz = sizeof(r), .index = i };
		if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &r)) die("REGION_INFO");
		offset[i] = r.offset;
	}
	events = eventfd(0, EFD_NONBLOCK);
	char buffer[sizeof(struct vfio_irq_set) + 4];
	struct vfio_irq_set *set = (void *)buffer;
	*set = (struct vfio_irq_set){
		.argsz = sizeof(buffer), .index = VFIO_CCW_IO_IRQ_INDEX, .count = 1,
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER };
	memcpy(set->data, &events, 4);
	if (ioctl(device, VFIO_DEVICE_SET_IRQS, set)) die("SET_IRQS");
}

static void ccw(unsigned at, int command, int flags, int count, unsigned address)
{
	unsigned char *to = ram + at;
	to[0] = command;
	to[1] = flags;
	to[2] = count >> 8;
	to[3] = count;
	*(uint32_t *)(to + 4) = htobe32(address);
}

/* Programs: 0 SENSE ID; 1 NOOP; 2 a read; 3 twenty reads; 4 a command that the device
   rejects; 5 a read into memory that is not mapped; 6 a read with PCI. */
static void make_programs(void)
{
	unsigned char seek[6] = { 0, 0, 0, 4, 0, 0 };
	memcpy(ram + 0x3000, seek, 6);
	ccw(0x10000, 0xe4, 0x20, 64, 0x20000);
	ccw(0x10100, 0x03, 0x20, 1, 0x20000);
	ccw(0x10200, 0x07, 0x40, 6, 0x3000);
	ccw(0x10208, 0x06, 0x20, 4096, 0x21000);
	ccw(0x10300, 0x07, 0x40, 6, 0x3000);
	for (int i = 0; i < 20; i++)
		ccw(0x10308 + 8 * i, 0x06, (i < 19 ? 0x40 : 0) | 0x20, 4096, 0x40000 + 0x1000 * i);
	ccw(0x10500, 0xff, 0x20, 1, 0x20000);
	ccw(0x10600, 0xe4, 0x20, 64, 0x40000000);
	ccw(0x10700, 0x07, 0x48, 6, 0x3000);
	ccw(0x10708, 0x06, 0x20, 4096, 0x21000);
}

static const unsigned address[PROGRAMS] = { 0x10000, 0x10100, 0x10200, 0x10300, 0x10500, 0x10600, 0x10700 };

static void start(int program)
{
	struct ccw_io_region io = { 0 };
	uint32_t *orb = (void *)io.orb_area;
	orb[0] = htobe32(0xabcd0000);
	orb[1] = htobe32(0x00c2ff00);
	orb[2] = htobe32(address[program]);
	io.scsw_area[2] = 0x40;
	mark("call start %d", program);
	long n = pwrite(device, &io, sizeof(io), offset[0]);
	mark("ret start %d", n == sizeof(io) ? 0 : -errno);
}

static void async(const char *name, int command)
{
	struct ccw_cmd_region r = { .command = command };
	mark("call %s", name);
	long n = pwrite(device, &r, sizeof(r), offset[1]);
	mark("ret %s %d", name, n == sizeof(r) ? 0 : -errno);
}

static void read_region(void)
{
	struct ccw_io_region io;
	mark("call read");
	long n = pread(device, &io, sizeof(io), offset[0]);
	uint32_t *irb = (void *)io.irb_area;
	mark("ret read %d irb=%08x%08x%08x", n == sizeof(io) ? 0 : -errno, be32toh(irb[0]), be32toh(irb[1]), be32toh(irb[2]));
}

static void wait_and_read(int ms)
{
	struct pollfd p = { .fd = events, .events = POLLIN };
	uint64_t n;
	if (poll(&p, 1, ms) > 0 && read(events, &n, 8) == 8) read_region();
}

static void reset(void)
{
	mark("call reset");
	int rc = ioctl(device, VFIO_DEVICE_RESET);
	mark("ret reset %d", rc ? -errno : 0);
}

static void unmap(void)
{
	struct vfio_iommu_type1_dma_unmap u = { .argsz = sizeof(u), .size = RAM };
	mark("call unmap");
	int rc = ioctl(container, VFIO_IOMMU_UNMAP_DMA, &u);
	mark("ret unmap %d", rc ? -errno : 0);
	map();
}

static void *make_requests(void *seed)
{
	unsigned state = (unsigned)(uintptr_t)seed;
	int may_reset = (int)(state % 2) < resets;
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(state % sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (int i = 0; i < requests; i++) {
		int what = rand_r(&state) % 100, which = rand_r(&state) % PROGRAMS;
		if (what < 40) start(which);
		else if (what < 55) async("clear", VFIO_CCW_ASYNC_CMD_CSCH);
		else if (what < 65) async("halt", VFIO_CCW_ASYNC_CMD_HSCH);
		else if (what < 83) wait_and_read(which * 5);
		else if (what < 88) read_region();
		else if (what < 96 || !may_reset) usleep(rand_r(&state) % 3000);
		else {
			/* Most come when the device is idle: QEMU loses a busy one. */
			for (int j = 0; which > 1 && j < 3; j++) wait_and_read(30);
			if (what < 98) reset(); else unmap();
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t other;
	if (argc != 7) return 2;
	marker = open("/sys/kernel/tracing/trace_marker", O_WRONLY);
	if (marker < 0) die("trace_marker");
	requests = atoi(argv[4]);
	resets = atoi(argv[6]);
	open_device(argv[1], argv[2]);
	make_programs();
	unsigned seed = 2 * atoi(argv[3]);
	int threads = atoi(argv[5]);
	if (threads > 1 && pthread_create(&other, 0, make_requests, (void *)(uintptr_t)(seed + 1))) die("thread");
	make_requests((void *)(uintptr_t)seed);
	if (threads > 1) pthread_join(other, 0);
	wait_and_read(200);
	close(device);
	return 0;
}
