"""A client that does what it is told, one system call at a time; runs by itself.

It reads JSON lines from the descriptor in its one argument, each a list of operations,
and writes a JSON line with what each returned: a number, or minus the errno. A list
that begins with "threads" has lists of operations that run at the same time.
"""

import ctypes
import json
import mmap
import os
import select
import socket
import struct
import sys
import threading

libc = ctypes.CDLL(None, use_errno=True)
areas = {}


def system(name, *arguments):
    """Make a system call; return its value, or minus the errno."""
    function = getattr(libc, name)
    is_long = name in ("pread64", "pwrite64", "readlink", "readlinkat")
    function.restype = ctypes.c_ssize_t if is_long else ctypes.c_int
    value = function(*arguments)
    return -ctypes.get_errno() if value < 0 else value


def long(value):
    """Give a number as a register has it."""
    return ctypes.c_ulong(value & ((1 << 64) - 1))


def do(operation):
    """Do one operation."""
    name, *arguments = operation
    return globals()["do_" + name](*arguments)


def do_open(path):
    return system("open", path.encode(), os.O_RDWR)


def do_openat(path):
    return system("openat", -100, path.encode(), os.O_RDWR)


def do_file(path):
    try:
        with open(path, "rb") as file:
            return file.read().hex()
    except OSError as error:
        return -error.errno


def do_link(path, size=256):
    buffer = ctypes.create_string_buffer(size)
    value = system("readlink", path.encode(), buffer, long(size))
    return value if value < 0 else buffer.raw[:value].decode()


def do_linkat(path):
    buffer = ctypes.create_string_buffer(256)
    value = system("readlinkat", -100, path.encode(), buffer, long(256))
    return value if value < 0 else buffer.raw[:value].decode()


def do_ioctl(descriptor, request, argument=0):
    """An argument in hexadecimal is memory, which comes back, too."""
    if isinstance(argument, int):
        return system("ioctl", descriptor, long(request), long(argument))
    raw = bytes.fromhex(argument)
    buffer = ctypes.create_string_buffer(raw, max(len(raw), 1))
    value = system("ioctl", descriptor, long(request), buffer)
    return [value, buffer.raw.hex()]


def do_pwrite(descriptor, data, offset):
    raw = bytes.fromhex(data)
    return system("pwrite64", descriptor, raw, long(len(raw)), long(offset))


def do_pwrite_at(descriptor, address, size, offset):
    pointer = ctypes.c_void_p(address)
    return system("pwrite64", descriptor, pointer, long(size), long(offset))


def do_pread(descriptor, size, offset):
    buffer = ctypes.create_string_buffer(max(size, 1))
    value = system("pread64", descriptor, buffer, long(size), long(offset))
    return value if value < 0 else buffer.raw[:value].hex()


def do_pread_at(descriptor, address, size, offset):
    pointer = ctypes.c_void_p(address)
    return system("pread64", descriptor, pointer, long(size), long(offset))


def do_close(descriptor):
    return system("close", descriptor)


def do_dup(descriptor):
    return system("dup", descriptor)


def do_hold(descriptor):
    """Have another process have it, too, until `release` ends that."""
    child = os.fork()
    if not child:
        while True:
            select.select([], [], [])
    return child


def do_release(child):
    os.kill(child, 9)
    os.waitpid(child, 0)
    return 0


def do_pass(descriptor):
    """Put it on its way through a socket, and close it here."""
    ours, theirs = socket.socketpair()
    socket.send_fds(ours, [b"x"], [descriptor])
    os.close(descriptor)
    areas[-1] = (ours, theirs)
    return 0


def do_receive():
    ours, theirs = areas.pop(-1)
    _, descriptors, _, _ = socket.recv_fds(theirs, 1, 1)
    ours.close()
    theirs.close()
    return descriptors[0]


def do_map(size):
    area = mmap.mmap(-1, size, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    address = ctypes.addressof(ctypes.c_char.from_buffer(area))
    areas[address] = area
    return address


def do_poke(address, data):
    raw = bytes.fromhex(data)
    ctypes.memmove(address, raw, len(raw))
    return 0


def do_peek(address, size):
    return ctypes.string_at(address, size).hex()


def do_munmap(address, size):
    return system("munmap", ctypes.c_void_p(address), long(size))


def do_mprotect(address, size, how):
    return system("mprotect", ctypes.c_void_p(address), long(size), how)


def do_eventfd():
    return os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)


def do_wait(event):
    """Wait until an eventfd is signalled, ten seconds at most; return its count."""
    ready, _, _ = select.select([event], [], [], 10)
    return struct.unpack("Q", os.read(event, 8))[0] if ready else 0


def do_count(event):
    try:
        return struct.unpack("Q", os.read(event, 8))[0]
    except BlockingIOError:
        return 0


def do_exit(status):
    os._exit(status)


def do_die():
    os.kill(os.getpid(), 9)


def every(operations):
    """Do operations one after the other."""
    return [do(operation) for operation in operations]


def main():
    """Do what comes, until nothing does."""
    with socket.socket(fileno=int(sys.argv[1])) as link, link.makefile("rw") as file:
        for line in file:
            operations = json.loads(line)
            if operations and operations[0] == "threads":
                results = [None] * (len(operations) - 1)

                def run(at, some, results=results):
                    results[at] = every(some)

                threads = [
                    threading.Thread(target=run, args=(at, some))
                    for at, some in enumerate(operations[1:])
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            else:
                results = every(operations)
            file.write(json.dumps(results) + "\n")
            file.flush()


main()
