#!/bin/sh
# A machine of a test's own: this one's files below a layer that takes every change, and a systemd that
# starts nothing by itself. Runs in namespaces of its own (mount, process, cgroup); whatever is mounted
# here goes with them. Nothing of this machine's can be written to but the folders that are named.
#
#   boot.sh <folder of the test> [<folder that is shared with the test>…]
set -e
dir=$1; shift
mkdir "$dir/layer" "$dir/root"
mount -t tmpfs tmpfs "$dir/layer"
mkdir "$dir/layer/upper" "$dir/layer/work"
mount -t overlay -o "lowerdir=/,upperdir=$dir/layer/upper,workdir=$dir/layer/work" overlay "$dir/root"
cd "$dir/root"
for shared; do mount --bind "$shared" ".$shared"; done
mount -t tmpfs -o mode=755 tmpfs run
mkdir run/sshd
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs dev
while read -r name major minor; do
    mknod -m 666 "dev/$name" c "$major" "$minor"
done <<DEVICES
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
DEVICES
ln -s /proc/self/fd dev/fd
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
# Only what systemd itself needs, of either generation.
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 sys/fs/cgroup
else
    mount -t tmpfs tmpfs sys/fs/cgroup
    mkdir sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
fi
# No service of this machine's is wanted by anything: none would know that the kernel is not its own.
rm -rf etc/systemd/system/*.wants usr/lib/systemd/system/*.wants etc/systemd/system/default.target
exec env -i container=kickout-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    chroot . /usr/lib/systemd/systemd --system --unit=basic.target --log-target=console
