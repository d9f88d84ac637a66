# Functions for the scripts of guests. A line that begins with "@" is for a program that
# reads the console: a name, then the result.

seconds() { cut -d' ' -f1 /proc/uptime; }

# try NAME COMMAND...: run a command; print its exit status and the uptime at its end.
try() {
    try_name=$1
    shift
    "$@"
    try_rc=$?
    echo "@ $try_name rc=$try_rc seconds=$(seconds)"
    return $try_rc
}

# tell NAME WORD...: print a result.
tell() {
    tell_name=$1
    shift
    echo "@ $tell_name $*"
}

# online NUMBER: set a DASD online; put the name of its block device in $disk, such as
# dasda, and that of its first partition in $part.
online() {
    try "online-$1" sh -c "echo 1 > /sys/bus/ccw/devices/0.0.$1/online"
    name_blocks
    disk=$(block_of "$1")
    part=${disk}1
}

# offline NUMBER: set a DASD offline.
offline() { try "offline-$1" sh -c "echo 0 > /sys/bus/ccw/devices/0.0.$1/online"; }

# block_of NUMBER: print the name of a DASD's block device.
block_of() { ls "/sys/bus/ccw/devices/0.0.$1/block" 2>/dev/null; }

# name_blocks: make the links by device number that udev would, for dasdfmt and zipl.
name_blocks() {
    for block in /sys/class/block/dasd*; do
        [ -e "$block/dev" ] && ln -sf "../${block##*/}" "/dev/block/$(cat "$block/dev")"
    done
}

# partition DISK: make one partition of the whole disk, and wait for its block device.
partition() {
    try fdasd sh -c "fdasd -a -k /dev/$1 >/dev/null"
    tries=50
    while [ ! -b "/dev/${1}1" ] && [ $tries -gt 0 ]; do
        usleep 100000
        tries=$((tries - 1))
    done
    name_blocks
}

# forget: drop the caches, so that the next reads come from the disk.
forget() {
    sync
    echo 3 >/proc/sys/vm/drop_caches
}
