#!/bin/bash
# Two labs of one machine do not know of each other, and go without a trace.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need openssl ovs-vswitchd
root=$(cd "$(dirname "$0")/../.." && pwd)
export TIELINE_BIN=$bin

one=x$(($$ % 100000)) two=y$(($$ % 100000))
lab() { # NAME COMMAND...
    local name=$1
    shift
    "$root/lab/two-substations" --name "$name" "$@"
}
clean_labs() {
    lab "$one" down >/dev/null 2>&1
    lab "$two" down >/dev/null 2>&1
    clean_up
}
trap clean_labs EXIT

desk() { # NAME ARGUMENT...: of tieline, as erin
    local name=$1
    shift
    lab "$name" exec ctl "$bin/tieline" "$@"
}
adopted() { desk "$1" node list --json | true_of '[.nodes[] | select(.live.state == "adopted")] | length == 10'; }
find /run/tieline-lab /sys/class/net -maxdepth 1 2>/dev/null | sort >"$work/before"

claim "a lab comes up" lab "$one" up
claim "and another one beside it" lab "$two" up
for name in $one $two; do
    lab "$name" controller start
    wait_for 20 desk "$name" whoami
    desk "$name" inventory import "$root"/lab/data/inventory/*.csv >"$work/import" 2>&1
    claim "$name takes the inventory" test $? -eq 0
    wait_for 30 adopted "$name"
    claim "its ten nodes are adopted, by its own controller" adopted "$name"
done
claim "a lab of a name that is taken is not built" eval '! lab $one up 2>"$work/taken"'
claim "it says why" grep -q "is up already" "$work/taken"
claim "the certificate of a person of one lab is nobody's in the other" eval \
    '! lab $one exec ctl env TIELINE_CERT=/run/tieline-lab/$two/pki/erin.pem TIELINE_KEY=/run/tieline-lab/$two/pki/erin.key "$bin/tieline" whoami 2>"$work/stranger"'
claim "it runs, says the lab" lab "$two" in-use
claim "one goes" lab "$one" down
claim "the other stays" adopted "$two"
claim "and goes too" lab "$two" down
no_trace() {
    find /run/tieline-lab /sys/class/net -maxdepth 1 2>/dev/null | sort | diff "$work/before" - &&
        ! ip netns list | grep -E "^($one|$two)-" && ! pgrep -f "/run/tieline-lab/($one|$two)/"
}
claim "which no longer runs then" eval '! lab $two in-use'

# Killed from outside, as by a machine that goes down: namespaces and files stay, and are in nobody's way.
claim "a lab comes up" lab "$one" up
for where in $(ip netns list | awk -v p="$one-" 'index($1, p) == 1 { print $1 }'); do
    for pid in $(ip netns pids "$where"); do kill -KILL "$pid"; done
done
claim "after it was killed from outside its files are still there" test -e "/run/tieline-lab/$one/pki"
claim "and it is built anew" lab "$one" up
claim "and goes" lab "$one" down
claim "without a trace: no namespace, interface, process or file" no_trace
finish
