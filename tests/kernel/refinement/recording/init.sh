#!/bin/busybox sh
# Records runs of the client; their traces go to the console, compressed.
# Kernel arguments: first=SEED runs=N requests=N threads=N resets=N
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
mount -t tracefs tracefs /sys/kernel/tracing
for word in $(cat /proc/cmdline); do
	case $word in first=*|runs=*|requests=*|threads=*|resets=*) eval $word;; esac
done
S=0.0.0000 U=11111111-2222-3333-4444-555555555555 T=/sys/kernel/tracing
D=/sys/bus/css/devices/$S
echo $S > $D/driver/unbind
echo vfio_ccw > $D/driver_override
echo $S > /sys/bus/css/drivers/vfio_ccw/bind
echo $U > $D/mdev_supported_types/vfio_ccw-io/create
G=$(basename $(readlink /sys/bus/mdev/devices/$U/iommu_group))
echo global > $T/trace_clock
while read line; do echo "$line" >> $T/kprobe_events || echo "PROBE $line"; done < /kprobe_events
while read name; do echo 1 > $T/events/$name/enable || echo "EVENT $name"; done < /events
# The console is for the traces.
dmesg -n 1
echo "BEGIN $(uname -r) cpus $(grep -c ^processor /proc/cpuinfo || nproc)"
seed=$first
while [ $seed -lt $((first + runs)) ]; do
	echo > $T/trace
	/client /dev/vfio/$G $U $seed $requests $threads $resets || break
	cat $T/trace > /tmp/trace
	# One by one: the console loses a character now and then.
	echo "DATA $seed"
	gzip -9 < /tmp/trace | base64
	echo "END"
	seed=$((seed + 1))
	# A device that a run has lost does not come back.
	grep -q enter_fsm_notoper /tmp/trace && break
done
# What is still on its way to the console would be lost.
sleep 2
poweroff -f
