/*
 * The first program of a Linux guest with two CPUs: on CPU 1 a process calls getppid
 * forever, on CPU 0 another calls getuid.
 */

#define _GNU_SOURCE
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

static void bind_to(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set))
        _exit(1);
}

int main(void)
{
    int cpu = fork() ? 0 : 1;

    bind_to(cpu);
    for (;;)
        syscall(cpu ? SYS_getppid : SYS_getuid);
}
