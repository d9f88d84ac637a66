# Make a DASD that can be IPLed: format it, make a file system, copy a kernel, run zipl.
online 0190 || poweroff -f
cat /proc/dasd/devices
try dasdfmt dasdfmt -y -b 4096 -d cdl -l LINUX1 -M full "/dev/$disk"
partition "$disk"
try mkfs mkfs.ext4 -q "/dev/$part"
try mount mount -t ext4 "/dev/$part" /mnt
try copy cp /boot/vmlinuz /boot/initramfs /mnt
echo "This was written before the IPL." >/mnt/note
try zipl zipl -t /mnt -i /mnt/vmlinuz -r /mnt/initramfs -P "$(cat /boot/parameters)"
try unmount umount /mnt
offline 0190
