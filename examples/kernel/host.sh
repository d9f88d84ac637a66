#!/bin/sh
# init of the kernel under test: gives the subchannel to vfio_ccw, and starts a QEMU on it.
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
. /lib/functions.sh
tracing=/sys/kernel/tracing
mount -t tracefs tracefs $tracing
tell host-up seconds="$(seconds)"

device=$(readlink -f /sys/bus/ccw/devices/0.0.0190)
path=${device%/*}
subchannel=${path##*/}
mdev=11111111-2222-3333-4444-555555555555
try unbind sh -c "echo $subchannel >$path/driver/unbind"
try override sh -c "echo vfio_ccw >$path/driver_override"
try bind sh -c "echo $subchannel >/sys/bus/css/drivers/vfio_ccw/bind"
try create sh -c "echo $mdev >$path/mdev_supported_types/vfio_ccw-io/create"

# The files /kernel, /initrd and /parameters are what the QEMU starts.
set -- -kernel /kernel
[ -e /initrd ] && set -- "$@" -initrd /initrd -append "$(cat /parameters)"
try qemu qemu-system-s390x -machine s390-ccw-virtio -cpu max -accel tcg,tb-size=64 \
    -m "$(cat /storage)" -nodefaults -display none -no-reboot \
    -chardev stdio,id=console -device sclpconsole,chardev=console \
    -device "vfio-ccw,sysfsdev=/sys/bus/mdev/devices/$mdev,devno=fe.0.0190" "$@" </dev/null

# vfio_ccw executes an SSCH in the thread of the program that has asked for it.
tell emulator-ssch "$(grep -c ' qemu-system.*s390_cio_ssch:.* cc=0' $tracing/trace)"
tell host-ssch "$(grep -c 's390_cio_ssch:.* cc=0' $tracing/trace)"
tell over seconds="$(seconds)"
sleep 1 # the console's last lines
poweroff -f
