#!/bin/bash
# A real systemd boots in a copy of this system that is thrown away, with namespaces of its own, and starts the sensor's unit as
# it is installed, hardening and all, on one end of a virtual cable: it hears what is said, may do nothing else, is started again
# when it is killed, and ends in order. As root; skipped where there is no systemd, no cgroup v2 or no overlay.
#
# Usage: boot.sh BUILD-DIRECTORY
set -uo pipefail
build=$(realpath "${1:?the build directory}")
here=$(cd "$(dirname "$0")" && pwd)

skip() { echo "1..0 # SKIP $*"; exit 77; }

if [ "${BOOT_INSIDE:-}" = system ]; then
    # The first process of all its namespaces but the network's: the system's mounts, then systemd itself.
    root=$2
    mount --make-rprivate /
    mount -t proc proc "$root/proc" && mount -t sysfs sysfs "$root/sys" && mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" &&
        mount -t tmpfs -o mode=755 tmpfs "$root/run" && mount -t tmpfs -o mode=755 tmpfs "$root/dev" &&
        mkdir "$root/dev/pts" "$root/dev/shm" && mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts" || exit 1
    for device in null zero full random urandom tty; do
        touch "$root/dev/$device" && mount --bind "/dev/$device" "$root/dev/$device" || exit 1
    done
    ln -s pts/ptmx "$root/dev/ptmx"
    chroot "$root" install -d -m 2750 -g tieline-sensor /run/tieline-sensors
    cd "$root" && pivot_root . mnt && umount -l /mnt && cd / || exit 1
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=tieline-test /lib/systemd/systemd --log-target=null --show-status=0 \
        --unit=basic.target </dev/null >/dev/null 2>&1
fi

[ "$(id -u)" = 0 ] || skip "needs root: it mounts"
[ -x /lib/systemd/systemd ] || skip "there is no systemd here"
for tool in unshare nsenter pivot_root python3 ip systemd-sysusers; do
    command -v $tool >/dev/null || skip "there is no $tool here"
done
if [ "${BOOT_INSIDE:-}" != mounts ]; then
    unshare -m -p -f -C -u -i -n true 2>/dev/null || skip "no namespaces here"
    BOOT_INSIDE=mounts exec unshare -m "$0" "$@"
fi

# shellcheck source=test/packages/claims.sh
. "$here/claims.sh"
system='' listener='' cgroup=''
wait_for() { # SECONDS COMMAND...
    local n=$(($1 * 10))
    shift
    while ! "$@"; do
        n=$((n - 1))
        [ $n -gt 0 ] || return 1
        sleep 0.1
    done
}

end() {
    [ -z "$listener" ] || kill "$listener" 2>/dev/null
    [ -z "$system" ] || kill -9 "$system" 2>/dev/null # and all that it has begun, with its PID namespace
    wait 2>/dev/null
    if [ -n "$cgroup" ]; then
        echo $$ >"$work/cgroup/cgroup.procs"
        wait_for 5 no_cgroups
    fi
    umount -R "$work/layer" "$work/cgroup" 2>/dev/null
    rm -rf --one-file-system "$work"
}
no_cgroups() { find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null; [ ! -e "$cgroup" ]; }
trap end EXIT

mount --make-rprivate /
mkdir "$work/layer" "$work/cgroup"
mount -t cgroup2 cgroup2 "$work/cgroup" 2>/dev/null || skip "no cgroup v2 here"
mount -t tmpfs -o mode=755 tmpfs "$work/layer" || skip "no tmpfs here"
mkdir "$work/layer"/{upper,work,root}
root=$work/layer/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/layer/upper,workdir=$work/layer/work" "$root" 2>"$work/said" ||
    skip "no overlay of the root file system here: $(cat "$work/said")"

# ---- What is installed ----

DESTDIR=$root cmake --install "$build" --prefix /usr --component tieline-sensor >"$work/install.log" 2>&1 ||
    { cat "$work/install.log"; echo "not ok 1 - the sensor can be installed"; exit 1; }
chroot "$root" systemd-sysusers tieline-sensor.conf 2>"$work/said" || { cat "$work/said"; exit 1; }
install -d "$root/etc/tieline/sensor"
echo 'OPTIONS=--interface mirror0 --link unix:/run/tieline-sensors/link' >"$root/etc/tieline/sensor/s1"
echo 'OPTIONS=--interface nowhere0' >"$root/etc/tieline/sensor/s2"
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
# Of this machine only what a system begins with: nothing else that is installed here is started.
find "$root/etc/systemd/system" -mindepth 1 -maxdepth 1 -name '*.wants' -exec rm -r {} +
for unit in systemd-udevd systemd-udev-trigger systemd-timesyncd systemd-resolved systemd-networkd systemd-firstboot getty@tty1; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit.service"
done

# ---- Boot ----

cgroup=$work/cgroup/tieline-boot-$$
mkdir "$cgroup" && echo $$ >"$cgroup/cgroup.procs" || skip "no cgroup can be made here"
BOOT_INSIDE=system unshare -m -p -f -C -u -i -n --kill-child "$here/boot.sh" "$build" "$root" 2>/dev/null &
unshared=$!
first() { system=$(pgrep -P $unshared | head -n 1) && [ -n "$system" ]; }
wait_for 5 first
inside() { nsenter -t "$system" -m -u -i -n -p -C -r -w env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
is_systemd() { [ "$(cat "/proc/$system/comm")" = systemd ]; }
wait_for 5 is_systemd
booted() { inside systemctl is-active basic.target 2>/dev/null | grep -qx active; }
claim "systemd boots" wait_for 60 booted

nsenter -t "$system" -n ip link add line0 type veth peer name mirror0
nsenter -t "$system" -n ip link set line0 up
nsenter -t "$system" -n ip link set mirror0 up
# Who listens in tielined's place: it writes down what it is told, and agrees.
cat >"$root/listener.py" <<'PYTHON'
import json, os, socket
s = socket.socket(socket.AF_UNIX)
s.bind("/run/tieline-sensors/link")
os.chmod("/run/tieline-sensors/link", 0o660)
s.listen()
while True:
    c, _ = s.accept()
    with open("/told", "ab", 0) as out:
        for line in c.makefile("rb"):
            out.write(line)
            c.sendall(json.dumps({"jsonrpc": "2.0", "id": json.loads(line)["id"], "result": {}}).encode() + b"\n")
PYTHON
inside python3 /listener.py &
listener=$!
wait_for 5 test -S "/proc/$system/root/run/tieline-sensors/link"

# ---- The unit ----

value() { inside systemctl show "$1" -p "$2" --value; }
running() { [ "$(value "$1" SubState)" = running ]; }
started() { inside systemctl start tieline-sensor@s1.service && running tieline-sensor@s1.service; }
claim "the unit is started" started
sensor() { # its PID out here
    local pid
    pid=$(value tieline-sensor@s1.service MainPID)
    grep -l "^NSpid:.*[[:space:]]$pid\$" /proc/[0-9]*/status 2>/dev/null | while read -r status; do
        [ "$(readlink "$(dirname "$status")/ns/cgroup")" = "$(readlink "/proc/$system/ns/cgroup")" ] && basename "$(dirname "$status")"
    done | head -n 1
}
pid=$(sensor)
status() { grep "^$1:" "/proc/$pid/status" | tr -s '\t ' ' ' | cut -d' ' -f2; }
unprivileged() {
    [ "$(status Uid)" = "$(chroot "$root" id -u tieline-sensor)" ] && [ "$(status Uid)" != 0 ] && [ "$(status NoNewPrivs)" = 1 ] &&
        [ "$(status Seccomp)" = 2 ]
}
claim "it is nobody, cannot become anybody, and its system calls are filtered" unprivileged
# CAP_NET_RAW is 13.
only_raw() { for set in CapPrm CapEff CapBnd CapAmb; do [ "$((16#$(status $set)))" = $((1 << 13)) ] || return 1; done; }
claim "of all capabilities it has CAP_NET_RAW" only_raw
as_it() { nsenter -t "$pid" -m -r -w "$@"; }
walled_in() {
    ! as_it touch /usr/x && ! as_it touch /etc/x && ! as_it sh -c 'ls /home/* /root/*' && ! as_it test -e /dev/kmsg &&
        as_it touch /tmp/x && [ ! -e "/proc/$system/root/tmp/x" ] && as_it touch /var/lib/tieline-sensor/s1/x
}
claim "it can write where its state is, and nowhere else; /home and devices are not there" walled_in
claim "it is in a cgroup of its own" grep -q "tieline.*sensor@s1.service" "/proc/$pid/cgroup"

told() { grep -q "$1" "/proc/$system/root/told" 2>/dev/null; }
claim "it tells tielined who it is" wait_for 10 told '"sensor.hello".*"s1"'

# Diagnostics 8/1, restart communications: that is told whatever was learned.
cat >"$root/say.py" <<'PYTHON'
import socket, struct
payload = bytes.fromhex("000400000006010800010000")
udp = struct.pack(">HHHH", 40000, 502, 8 + len(payload), 0) + payload
ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, bytes((10, 9, 0, 1)), bytes((10, 9, 0, 2))) + udp
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("line0", 0))
for _ in range(3):
    s.send(bytes.fromhex("020000000002020000000001" "0800") + ip)
PYTHON
inside python3 /say.py
claim "what is said on the cable is an alert, and told" wait_for 15 told '"sensor.alert".*10.9.0.2'
evidence() { ls "/proc/$system/root/var/lib/tieline-sensor/s1/"s1-*.pcap; }
claim "... and its packets are kept" wait_for 10 evidence

# ---- Killed, and ended ----

again() { [ "$(sensor)" != "$pid" ] && [ "$(told_hello)" -ge 2 ]; } # it has begun to listen, too
told_hello() { grep -c '"sensor.hello"' "/proc/$system/root/told"; }
kill -9 "$pid"
claim "killed, it is started again" wait_for 20 again
pid=$(sensor)
ended() {
    inside systemctl stop tieline-sensor@s1.service && [ "$(value tieline-sensor@s1.service Result)" = success ] &&
        [ "$(value tieline-sensor@s1.service ExecMainStatus)" = 0 ]
}
claim "told to stop, it ends in order" ended
baseline() { [ "$(inside stat -c %U /var/lib/tieline-sensor/s1/baseline /var/lib/tieline-sensor/s1/baseline.habits | sort -u)" = tieline-sensor ]; }
claim "what it learned is kept" baseline
failing() { [ "$(value tieline-sensor@s2.service NRestarts)" -ge 1 ]; }
inside systemctl start tieline-sensor@s2.service
claim "where its interface is not there it is tried again and again" wait_for 15 failing
inside systemctl stop tieline-sensor@s2.service

say_result
