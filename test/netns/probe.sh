#!/bin/bash
# tieline-probe: two of them measure the cable between them, by themselves and beside Open vSwitch.
# What lab-wire does to the packets is what is reported.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need python3 ovsdb-server ovs-vswitchd ovs-vsctl ovs-ofctl
[ -x "$bin/tieline-probe" ] || skip "no tieline-probe in $bin"

#   a a0 ---- wa [ 3 ms there, 5 ms back ] wb ---- b0 b
#     am ------------- management ---------------- bm
host wire a b
link a a0 wire wa
link b b0 wire wb
link a am b bm
for m in "a 10.9.0.1" "b 10.9.0.2"; do
    # shellcheck disable=SC2086
    set -- $m
    ip -n "$prefix-$1" addr add "$2/24" dev "$1m"
done
echo 'ab wa wb delay-us=3000/5000' >"$work/wires"
spawn wire "$work/wire.log" "$bin/lab-wire" run "$work/wires" --control "$work/wire" --json
wait_for 5 grep -q ready "$work/wire.log"
tell() { "$bin/lab-wire" tell "$work/wire" "$@" >/dev/null; }

start_probe() { # HOST INTERFACE MANAGEMENT
    spawn "$1" "$work/$1.log" "$bin/tieline-probe" --name "$1" --interface "$2" --management "$3" \
        --control "$work/$1.control"
    probe=$spawned
    wait_for 5 [ -S "$work/$1.control" ]
}
call() { "$(dirname "$0")/rpc.py" "$work/$1.control" "${@:2}"; }
mac_a=02:00:00:00:00:0a mac_b=02:00:00:00:00:0b
params() { # COUNT INTERVAL-US [JQ-CHANGE]
    jq -nc "{id: \"t\", template: {\"eth-src\": \"$mac_a\", \"eth-dst\": \"$mac_b\",
        \"ipv4-src\": \"10.10.0.11\", \"ipv4-dst\": \"10.10.0.12\", \"udp-src\": 49154, \"udp-dst\": 862},
        count: $1, \"interval-us\": $2, size: 128, \"timeout-ms\": 500, reply: \"in-band\",
        reflectors: [\"10.10.0.12\"]} | ${3:-.}"
}
measure() { call a test.start "$(params "$@")" >"$work/answer"; }
reports() { holds "$1" "$work/answer"; }
# WAY LOW HIGH: the median is within, in milliseconds
takes() { reports ".reflectors[0].\"$1\" | .\"p50-ns\" >= $2 * 1e6 and .\"p50-ns\" <= $3 * 1e6"; }

start_probe a a0 10.9.0.1
probe_a=$probe
start_probe b b0 10.9.0.2
probe_b=$probe

# ---- Over a cable

claim "a test is done" measure 100 2000
claim "with all packets" reports '.sent == 100 and .reflectors[0]."round-trip".received == 100'
claim "stamped by the kernel, at both ends" reports \
    '.timestamps == "kernel" and .reflectors[0].timestamps == "kernel"'
claim "the way there is the cable's" takes forward 3.0 4.9
claim "and the way back" takes backward 5.0 7.9
claim "and both" takes round-trip 8.0 12.0
claim "at the pace that was asked for" reports '."span-ns" >= 195e6 and ."span-ns" <= 400e6'

measure 2000 200
claim "5000 packets a second are sent" reports '."span-ns" >= 395e6 and ."span-ns" <= 800e6'
claim "and answered" reports '.reflectors[0]."round-trip".lost == 0'

tell set ab loss=0.2/0
measure 500 1000
claim "what is lost on the way there is" reports '.reflectors[0] | .forward.lost > 50 and .forward.lost < 160'
claim "not on the way back" reports '.reflectors[0] | .backward.lost == 0 and .unattributed < 20'
tell set ab loss=0/0.2
measure 500 1000
claim "and the other way round" reports \
    '.reflectors[0] | .forward.lost == 0 and .backward.lost > 50 and .backward.lost < 160'
tell set ab loss=0
tell block ab
measure 20 1000
claim "a silent cable loses everything" reports '.reflectors[0] | ."round-trip".lost == 20 and .directions == false'
tell restore ab

group='.template."ipv4-src" = "10.9.0.1" | .template."ipv4-dst" = "239.255.0.7" |
    .template."eth-dst" = "01:0c:cd:01:00:07" | .template."vlan-id" = 10 | .template."vlan-priority" = 4 |
    .reply = "management" | .reflectors = ["10.9.0.2", "10.9.0.3"]'
measure 50 2000 "$group"
claim "a group is answered over the management network" reports \
    '.reflectors[0] | .address == "10.9.0.2" and ."round-trip".received == 50 and .timestamps == "kernel"'
claim "with the latency of the way there" takes forward 3.0 6.0
claim "by those who are there" reports '.reflectors[1]."round-trip".lost == 50'

call a test.start "$(params 3000 10000)" >"$work/stopped" &
stopped=$!
runs() { call a edge.status | true_of ".tests.running == 1"; }
claim "it runs meanwhile" wait_for 10 runs
claim "the same test is not run twice" eval '! measure 10 1000 && reports ".data.err == \"ERR_EXISTS\""'
stop_test() { call a test.stop '{"id": "t"}' >/dev/null; }
claim "a test is stopped" stop_test
wait $stopped
claim "which its caller is told" holds '.data.err == "ERR_CLOSED"' "$work/stopped"
claim "nonsense is refused" eval '! measure 0 1000 && reports ".data.err == \"ERR_INVALID\""'
call a edge.status >"$work/status"
claim "the probe says what it did" holds \
    '.name == "a" and .interface.open and .tests."tests-started" >= 7 and .rpc == null' "$work/status"

# ---- The interface goes and comes back

ip -n $prefix-b link set b0 name b1
ip link add b0 netns $prefix-b type veth peer name b2 netns $prefix-b
renamed() { call b edge.status | true_of ".interface.open == $1"; }
ip -n $prefix-b link del b0
claim "an interface that has gone is noticed" wait_for 5 renamed false
ip -n $prefix-b link set b1 down
ip -n $prefix-b link set b1 name b0
ip -n $prefix-b link set b0 up
claim "and used again when it is back" wait_for 5 renamed true
measure 50 1000
claim "for tests too" reports '.reflectors[0]."round-trip".received > 0'
claim "the probe ends in order" stop $probe_a
stop $probe_b
claim "and leaves no socket" test ! -e "$work/a.control"

# ---- Beside Open vSwitch, over rules as they are made for circuits between subnets

start_ovs() { # HOST: with its bridge br0, and the cable's end as port 1
    local dir=$work/ovs-$1
    mkdir "$dir"
    ovsdb-tool create "$dir/conf.db" /usr/share/openvswitch/vswitch.ovsschema
    OVS_RUNDIR=$dir spawn "$1" "$dir/db.log" ovsdb-server "$dir/conf.db" --remote="punix:$dir/db.sock" \
        --unixctl="$dir/db.ctl" --no-chdir
    wait_for 5 [ -S "$dir/db.sock" ]
    vsctl() { OVS_RUNDIR=$dir in_host "$@"; }
    vsctl "$1" ovs-vsctl --db="unix:$dir/db.sock" --no-wait init
    OVS_RUNDIR=$dir spawn "$1" "$dir/vs.log" ovs-vswitchd "unix:$dir/db.sock" --unixctl="$dir/vs.ctl" --no-chdir
    vsctl "$1" ovs-vsctl --db="unix:$dir/db.sock" --timeout=20 add-br br0 -- set bridge br0 \
        datapath_type=netdev fail-mode=secure protocols=OpenFlow13 \
        -- add-port br0 "${1}0" -- set interface "${1}0" ofport_request=1
    in_host "$1" sysctl -qw net.ipv6.conf.br0.disable_ipv6=1
    ip -n "$prefix-$1" link set br0 up
}
rules() { # HOST: from standard input
    local dir=$work/ovs-$1
    ovs-ofctl -O OpenFlow13 add-flows "unix:$dir/br0.mgmt" -
}
start_ovs a
start_ovs b
ovs-ofctl -O OpenFlow13 add-meter "unix:$work/ovs-a/br0.mgmt" \
    meter=4,kbps,burst,band=type=drop,rate=1024,burst_size=16
gateway_a=02:54:0a:0a:00:01 gateway_b=02:54:0a:14:00:01
to=nw_src=10.10.0.11,nw_dst=10.20.0.11,tp_src=49154,tp_dst=862
back=nw_src=10.20.0.11,nw_dst=10.10.0.11,tp_src=862,tp_dst=49154
rules a <<EOT
in_port=LOCAL,udp,dl_src=$mac_a,dl_dst=$gateway_a,$to,actions=meter:4,set_field:$gateway_b->eth_src,set_field:$mac_b->eth_dst,output:1
in_port=1,udp,dl_src=$gateway_a,dl_dst=$mac_a,$back,actions=LOCAL
EOT
rules b <<EOT
in_port=1,udp,dl_src=$gateway_b,dl_dst=$mac_b,$to,actions=LOCAL
in_port=LOCAL,udp,dl_src=$mac_b,dl_dst=$gateway_b,$back,actions=set_field:$gateway_a->eth_src,set_field:$mac_a->eth_dst,output:1
EOT
start_probe a br0 10.9.0.1
start_probe b br0 10.9.0.2
circuit=".template.\"eth-dst\" = \"$gateway_a\" | .template.\"ipv4-dst\" = \"10.20.0.11\" | .reflectors = [\"10.20.0.11\"]"
measure 50 4000 "$circuit" # the first packets find no cached flow
measure 100 4000 "$circuit"
claim "all packets pass Open vSwitch" reports '.reflectors[0]."round-trip".received == 100'
claim "stamped by the kernel" reports '.timestamps == "kernel" and .reflectors[0].timestamps == "kernel"'
claim "in the cable's time there and the switches'" takes forward 3.0 9.0
claim "and back" takes backward 5.0 11.0
measure 1000 500 "$circuit"
claim "above the meter's rate, packets are lost on the way there" reports \
    '.reflectors[0].forward.lost > 200 and .reflectors[0].backward.lost == 0'
measure 10 2000 "$circuit | .template.\"udp-src\" = 49155"
claim "what no rule lets pass is not measured" reports '.reflectors[0]."round-trip".lost == 10'
finish
