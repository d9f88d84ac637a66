# The guest's script: use the DASD that came through QEMU, vfio_ccw and QEMU. It starts few
# programs, because each new one has to be translated twice.
tracing=/sys/kernel/tracing
mount -t tracefs tracefs $tracing
online 0190 || poweroff -f
try dasdfmt dasdfmt -y -b 4096 -d cdl -l NESTED -M full "/dev/$disk"
head -c 512k /dev/urandom >/tmp/written
# Behind the label and the table of contents.
try write dd if=/tmp/written of="/dev/$disk" bs=64k seek=2 conv=fsync
forget
try read dd if="/dev/$disk" of=/tmp/read bs=64k skip=2 count=8
try same cmp /tmp/written /tmp/read
offline 0190
tell guest-ssch "$(grep -c 's390_cio_ssch:.* cc=0' $tracing/trace)"
