# lib.sh - sourced by the tests of this folder. Each takes the directory of the programs, works in
# network namespaces and a folder of its own, and leaves nothing behind. It prints a line per claim;
# exit status 0: all hold, 1: some do not, 77: this machine cannot run it.
# shellcheck shell=bash
set -u

bin=${1:?usage: $0 DIRECTORY-OF-PROGRAMS}
prefix=lt$$
work=$(mktemp -d)
namespaces=
failed=0
claims=0

skip() {
    echo "SKIPPED: $(basename "$0"): $1" >&2
    exit 77
}

# Removes every host with what runs in it.
remove_hosts() {
    for ns in $namespaces; do
        # Only what runs in our own namespaces.
        for signal in TERM KILL; do
            for pid in $(ip netns pids "$ns" 2>/dev/null); do
                kill -$signal "$pid" 2>/dev/null
            done
            [ -z "$(ip netns pids "$ns" 2>/dev/null)" ] || sleep 0.2
        done
        ip netns del "$ns" 2>/dev/null
    done
    namespaces=
}

clean_up() {
    remove_hosts
    rm -rf "$work"
}

# need PROGRAM...: skips when one is missing, or when namespaces cannot be made.
need() {
    [ "$(id -u)" = 0 ] || skip "not root"
    for program in ip jq "$@"; do
        command -v "$program" >/dev/null || skip "$program is not installed"
    done
    [ -x "$bin/${main_program:-lab-wire}" ] || skip "no ${main_program:-lab-wire} in $bin"
    trap clean_up EXIT
    namespaces=$prefix-probe
    ip netns add $prefix-probe 2>/dev/null || skip "network namespaces cannot be made here"
    ip netns del $prefix-probe
    namespaces=
}

# host NAME...: namespaces.
host() {
    local name
    for name; do
        ip netns add "$prefix-$name"
        namespaces="$namespaces $prefix-$name"
        ip -n "$prefix-$name" link set lo up
    done
}

# link HOST INTERFACE HOST INTERFACE: a veth pair, up at both ends, silent.
link() {
    local end
    ip link add "$2" netns "$prefix-$1" type veth peer name "$4" netns "$prefix-$3"
    for end in "$1 $2" "$3 $4"; do
        # shellcheck disable=SC2086
        set -- $end
        in_host "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"
        ip -n "$prefix-$1" link set "$2" up
    done
}

# three_hosts ADDRESS MAC: a, b and c at the ports p1 to p3 of sw, a and b known to each other; c has these.
#
#   a a0 --- p1 +----+ p2 --- b0 b
#               | sw |
#               +----+ p3 --- c0 c
three_hosts() {
    local end name interface address mac
    host sw a b c
    link a a0 sw p1
    link b b0 sw p2
    link c c0 sw p3
    for end in "a a0 10.1.0.1 02:00:00:00:00:01" "b b0 10.1.0.2 02:00:00:00:00:02" "c c0 $1 $2"; do
        read -r name interface address mac <<<"$end"
        ip -n "$prefix-$name" link set "$interface" address "$mac"
        ip -n "$prefix-$name" addr add "$address/24" dev "$interface"
    done
    ip -n "$prefix-a" neigh replace 10.1.0.2 lladdr 02:00:00:00:00:02 dev a0
    ip -n "$prefix-b" neigh replace 10.1.0.1 lladdr 02:00:00:00:00:01 dev b0
}

# in_host NAME COMMAND...
in_host() {
    local name=$1
    shift
    ip netns exec "$prefix-$name" "$@"
}

# spawn HOST LOG COMMAND...: in the background, output in LOG and LOG.err, its process in $spawned.
spawn() {
    local name=$1 log=$2
    shift 2
    : >"$log" # now: nobody may take the last program's words for this one's
    ip netns exec "$prefix-$name" "$@" >"$log" 2>"$log.err" &
    spawned=$!
}

# stop PROCESS [SIGNAL]: and waits for it; its exit status.
stop() {
    kill -"${2:-TERM}" "$1" 2>/dev/null
    wait "$1" 2>/dev/null
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

# claim TEXT COMMAND...: says whether the command succeeds.
claim() {
    local text=$1
    shift
    claims=$((claims + 1))
    if "$@"; then
        echo "ok $claims - $text"
    else
        echo "not ok $claims - $text"
        failed=1
    fi
}

# true_of FILTER: the jq filter is true of the one object on standard input; of nothing it is not.
true_of() {
    [ "$(jq "$1" 2>/dev/null)" = true ]
}

# holds FILTER FILE: it is true of the file's last line.
holds() {
    tail -n 1 "$2" | true_of "$1" && return
    echo "# $1: $(tail -n 1 "$2" | head -c 2000)"
    return 1
}

finish() {
    echo "1..$claims"
    exit $failed
}
