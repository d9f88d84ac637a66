# What the scripts of guests have in common. A line that begins with "@" is for a program
# that reads the console: a name, then what came of it.

seconds() { cut -d' ' -f1 /proc/uptime; }

# try NAME COMMAND...: run a command; say its exit status and when it ended.
try() {
    try_name=$1
    shift
    "$@"
    try_rc=$?
    echo "@ $try_name rc=$try_rc seconds=$(seconds)"
    return $try_rc
}

# tell NAME WORD...: say what was found.
tell() {
    tell_name=$1
    shift
    echo "@ $tell_name $*"
}

# online NUMBER: set a DASD online; its block device is then in $disk, as in dasda, and
# that of its first partition in $part.
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

# partition DISK: one partition over the whole disk; its device is there afterwards.
partition() {
    try fdasd sh -c "fdasd -a -k /dev/$1 >/dev/null"
    tries=50
    while [ ! -b "/dev/${1}1" ] && [ $tries -gt 0 ]; do
        usleep 100000
        tries=$((tries - 1))
    done
    name_blocks
}

# forget: have what is read next come from the disk.
forget() {
    sync
    echo 3 >/proc/sys/vm/drop_caches
}
