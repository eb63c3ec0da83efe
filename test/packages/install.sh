#!/bin/bash
# The packages are built, installed in a copy of this system that is thrown away, upgraded, and purged: what they hold
# runs from there, configuration survives an upgrade, a purge leaves nothing of it, and the bills of materials keep to
# their schemas. As root, in a mount namespace of its own; skipped where there can be none.
#
# Usage: install.sh [DIRECTORY-OF-PACKAGES]    (else they are built)
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)

if [ "${INSTALL_INSIDE:-}" != 1 ]; then
    [ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root: it mounts"; exit 77; }
    unshare -m true 2>/dev/null || { echo "1..0 # SKIP no mount namespaces here"; exit 77; }
    INSTALL_INSIDE=1 exec unshare -m "$0" "$@"
fi

# shellcheck source=test/packages/claims.sh
. "$root/test/packages/claims.sh"

# The mount namespace goes with us; what is below $work is removed when nothing is mounted there any more.
mount --make-rprivate /
mkdir "$work/layer"
mount -t tmpfs -o mode=755 tmpfs "$work/layer"
mkdir "$work/layer"/{upper,work,root}
end() {
    umount -R "$work/layer/root" 2>/dev/null
    umount -R "$work/layer" 2>/dev/null
    rm -rf --one-file-system "$work"
}
trap end EXIT
if ! mount -t overlay overlay -o "lowerdir=/,upperdir=$work/layer/upper,workdir=$work/layer/work" "$work/layer/root" 2>"$work/said"; then
    echo "1..0 # SKIP no overlay of the root file system here: $(cat "$work/said")"
    exit 77
fi
mount --bind /proc "$work/layer/root/proc"
mount --bind /dev "$work/layer/root/dev"
inside() { chroot "$work/layer/root" "$@"; }

packages=${1:-}
if [ -z "$packages" ]; then
    packages=$work/packages
    "$root/tools/packages" --out "$packages" >"$work/build.log" 2>&1 || {
        cat "$work/build.log"
        echo "not ok 1 - the packages can be built"
        exit 1
    }
fi
mkdir "$work/layer/root/packages"
cp "$packages"/*.deb "$work/layer/root/packages/"
version=$(dpkg-deb -f "$(echo "$packages"/tieline-cli_*.deb)" Version)

# ---- Install ----

install_all() { inside sh -c 'DEBIAN_FRONTEND=noninteractive dpkg -i /packages/*.deb'; }
claim "all five can be installed" install_all
for program in tieline tielined tieline-edge tieline-probe tieline-sensor; do
    says() { [ "$(inside "$program" --version)" = "$program $version" ]; }
    claim "$program runs and says its version" says
done
no_root() { inside id -u tielined | grep -qvx 0; }
claim "tielined has a user of its own" no_root
no_root_either() { inside id -u tieline-sensor | grep -qvx 0; }
claim "the sensor has a user of its own" no_root_either
# What tielined makes there the sensor can use, and nobody else: by the directory's group, whatever the umask.
shared() {
    inside setpriv --reuid tielined --regid tielined --clear-groups /usr/bin/python3 -c '
import grp, os, socket, stat
os.umask(0o077)
s = socket.socket(socket.AF_UNIX)
s.bind("/run/tieline-sensors/link")
os.chmod("/run/tieline-sensors/link", 0o660)
s.listen()
st = os.stat("/run/tieline-sensors/link")
print(grp.getgrgid(st.st_gid).gr_name, oct(stat.S_IMODE(st.st_mode)))' | grep -qx "tieline-sensor 0o660" &&
        [ "$(inside stat -c '%U %G %a' /run/tieline-sensors)" = "tielined tieline-sensor 2750" ] &&
        inside setpriv --reuid tieline-sensor --regid tieline-sensor --clear-groups test -w /run/tieline-sensors/link &&
        ! inside setpriv --reuid nobody --regid nogroup --clear-groups test -e /run/tieline-sensors/link
}
claim "tielined's socket for sensors is theirs, too, and nobody else's" shared
private() { [ "$(inside stat -c '%U %a' /var/lib/tieline)" = "tielined 700" ]; }
claim "its data are its own" private
# Of what dpkg says that it put there; documents it may have been told to leave out.
owned() {
    local strangers
    inside dpkg-query -L tieline-edge tielined tieline-sensor tieline-cli tieline-lab | grep . | sort -u >"$work/files"
    grep -qx /usr/lib/tieline/tielined/tielined "$work/files" || return 1
    strangers=$(cd "$work/layer/root" && sed 's/^/./' "$work/files" | xargs -d '\n' sh -c \
        'find "$@" -maxdepth 0 \( ! -user root -o ! -group root -o ! -type l -perm /6022 \) -ls 2>/dev/null' find)
    echo "$strangers"
    [ -z "$strangers" ]
}
claim "what is installed belongs to root, and nobody else may change it" owned
linked() {
    inside ldd /usr/lib/tieline/edge/tieline-{edge,probe} /usr/lib/tieline/tielined/tielined /usr/bin/{tieline,tieline-sensor,lab-wire,lab-stream} \
        >"$work/libraries" && ! grep "not found" "$work/libraries"
}
claim "all libraries are there" linked
hardened() {
    local f
    for f in usr/lib/tieline/edge/tieline-edge usr/lib/tieline/tielined/tielined usr/bin/tieline usr/bin/tieline-sensor; do
        readelf -hldW --dyn-syms "$work/layer/root/$f" >"$work/elf"
        grep -q GNU_RELRO "$work/elf" && grep -q 'BIND_NOW' "$work/elf" && grep -q 'Type: *DYN' "$work/elf" &&
            grep -q __stack_chk_fail "$work/elf" || return 1
    done
}
claim "programs are hardened: position independent, bound at the start, stack protected" hardened
no_paths() { grep -rlaF "$root" "$work/layer/root"/usr/lib/tieline "$work/layer/root"/usr/bin/{tieline,tieline-sensor,lab-*}; [ $? = 1 ]; }
claim "nothing tells where they were built" no_paths
units() { inside sh -c 'systemd-analyze verify --man=no tielined.service tieline-edge@a1.service tieline-probe@b1.service tieline-sensor@s1.service'; }
if inside sh -c 'command -v systemd-analyze' >/dev/null; then
    claim "systemd understands the services" units
else
    echo "# there is no systemd here: its services are not looked at"
fi

# ---- SBOM ----

claim "the bills of materials are right" "$root/test/packages/sbom.py" "$packages" "$work/layer/root"

# ---- Upgrade ----

echo 'TIELINED_OPTIONS="--mine"' >"$work/layer/root/etc/default/tielined"
mkdir -p "$work/layer/root/etc/tieline/edge"
echo 'OPTIONS=--mine' >"$work/layer/root/etc/tieline/edge/a1"
echo 'OPTIONS=--mine' >"$work/layer/root/etc/tieline/sensor/s1"
touch "$work/layer/root/var/lib/tieline/journal.db"
upgrade() { # the same files as a later version
    local f
    for f in tieline-edge tielined tieline-sensor; do
        dpkg-deb -R "$packages/${f}_$version"_*.deb "$work/next-$f" &&
            sed -i "s/^Version: .*/&.1/" "$work/next-$f/DEBIAN/control" &&
            dpkg-deb -b "$work/next-$f" "$work/layer/root/packages/next-$f.deb" || return 1
    done
    inside sh -c 'dpkg -r tieline-lab && DEBIAN_FRONTEND=noninteractive dpkg -i --force-confold /packages/next-*.deb'
}
claim "a later version is installed over it" upgrade
kept() {
    grep -q -- --mine "$work/layer/root/etc/default/tielined" && grep -q -- --mine "$work/layer/root/etc/tieline/edge/a1" &&
        grep -q -- --mine "$work/layer/root/etc/tieline/sensor/s1" &&
        [ "$(inside dpkg-query -W -f '${Version}' tielined)" = "$version.1" ]
}
claim "the configuration is as it was" kept

# ---- Purge ----

purge() { inside dpkg --purge tieline-lab tieline-edge tielined tieline-sensor tieline-cli; }
claim "all are purged" purge
gone() { ! find "$work/layer/root"/{etc/default/tielined,etc/tieline,usr/lib/tieline,usr/share/tieline,usr/bin/tieline{,-sensor}} 2>/dev/null | grep .; }
claim "nothing is left of them" gone
journal() { [ -f "$work/layer/root/var/lib/tieline/journal.db" ]; }
claim "but the journal, which is evidence" journal

say_result
