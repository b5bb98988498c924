# Boots this machine's own systemd over a copy of its files in memory, in namespaces: what is done there stays there.
# $1: an empty folder, $2: the Python to have at /opt/python, $3: the packages to have at /opt/packages
set -eu
base=$1
mount --make-rprivate /
mount -t tmpfs -o size=2g,mode=755 tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" overlay "$base/root"
cd "$base/root"
rm -rf etc/systemd/system etc/marginwatch var/lib/marginwatch var/lib/private opt/marginwatch opt/python opt/packages
mkdir -p etc/systemd/system opt/python opt/packages old
for bound in "$2:opt/python" "$3:opt/packages"; do
    mount --bind "${bound%:*}" "${bound##*:}"
    mount -o remount,bind,ro "${bound##*:}"
done
mount -t proc -o nosuid,nodev,noexec proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o nosuid,nodev,noexec,ro sysfs sys
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755,nosuid tmpfs dev
for device in null zero full random urandom tty; do
    : >dev/$device
    mount --bind /dev/$device dev/$device
done
mkdir dev/shm dev/pts dev/mqueue dev/hugepages
ln -s pts/ptmx dev/ptmx
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp
: >etc/machine-id
# A Python that was built with a library of its own looks for it where it was built, which the service may not see.
if ls opt/python/lib/libpython* >/dev/null 2>&1; then
    echo /opt/python/lib >etc/ld.so.conf.d/000-trial.conf
    chroot . /sbin/ldconfig
fi
# Nothing of what sets up a whole machine, kernel included, is to run: what a service waits for is there at once.
for target in sysinit basic network-online time-sync; do
    printf '[Unit]\nDescription=Nothing to do here\n' >etc/systemd/system/$target.target
done
printf '[Unit]\nRequires=systemd-journald.service\nAfter=systemd-journald.service\n' >etc/systemd/system/trial.target
# A chroot would not do: a service could have no user namespace in it. Nor would private mounts: no credentials.
pivot_root . old
umount -l /old
mount --make-rshared /
hostname trial
echo booting
exec env -i container=trial PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=trial.target --show-status=no
