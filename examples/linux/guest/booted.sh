# Show which disk this system was IPLed from, and what is on it.
echo "IPLed from $(cat /sys/firmware/ipl/device), a device of type $(cat /sys/firmware/ipl/ipl_type)"
uname -a
online 0190 || poweroff -f
cat /proc/dasd/devices
try mount mount -t ext4 -o ro "/dev/$part" /mnt
ls -l /mnt
try note cat /mnt/note
try unmount umount /mnt
