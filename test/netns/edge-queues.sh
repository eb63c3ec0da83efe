#!/bin/bash
# The queues of a port that gets more than it may send: who loses, who does not, and that it is counted.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
main_program=edge-traffic
need ovs-ofctl python3
[ -x "$bin/tieline-edge" ] || skip "no tieline-edge in $bin"
rpc_tool=$(dirname "$(readlink -f "$0")")/edge_rpc.py

#   a a0 --- p1 +----+
#   b b0 --- p2 | sw | p4 --- d0 d
#   c c0 --- p3 +----+
host sw a b c d
link a a0 sw p1
link b b0 sw p2
link c c0 sw p3
link d d0 sw p4

control=$work/control
rpc() { /usr/bin/python3 "$rpc_tool" call "$control" "$@"; }
of() { ovs-ofctl -O OpenFlow13 "$1" "unix:$control.of" "${@:2}" 2>"$work/of.err"; }
shows() { # FILTER METHOD [PARAMS]
    rpc "${@:2}" >"$work/answer" && true_of "$1" <"$work/answer" && return
    echo "# ${*:2}: $(head -c 1500 "$work/answer")"
    return 1
}
start_edge() { # OPTIONS-OF-PORT-4 [OPTION...]
    spawn sw "$work/edge" "$bin/tieline-edge" --name n1 --datapath-id 0x11 --port 1=p1,worker=0 --port 2=p2,worker=0 --port 3=p3,worker=0 \
        --port "4=p4$1" --control "$control" "${@:2}"
    edge_pid=$spawned
    wait_for 10 rpc edge.status
    wait_for 5 shows '[.ports[] | .up] | all' edge.ports
    of add-flow in_port=1,actions=set_queue:7,output:4 && of add-flow in_port=2,actions=set_queue:1,output:4 &&
        of add-flow in_port=3,actions=set_queue:0,output:4
}
traffic() { # NAME OPTION...: from a host to d, in the background
    "$bin/edge-traffic" --json --from "$prefix-$1/${1}0" --to "$prefix-d/d0" "${@:2}" >"$work/$1" 2>"$work/$1.err" &
    senders="$senders $!"
}
overload() { # three classes at once: a little urgent, and twice 37 Mbit/s
    senders=
    traffic a --pps 500 --size 300 --duration 1s --drain 2s
    traffic b --pps 3000 --size 1514 --duration 1s --drain 2s
    traffic c --pps 3000 --size 1514 --duration 1s --drain 2s
    # shellcheck disable=SC2086
    wait $senders
}
told() { holds "$2" "$work/$1"; }
count() { rpc edge.queues '{"port": 4}' | jq ".ports[0].queues[$1].$2"; }
# Every frame of the class was sent or is counted as dropped, and what was sent arrived.
accounted() { # HOST QUEUE
    [ "$(jq .sent "$work/$1")" = $(($(count "$2" packets) + $(count "$2" dropped))) ] &&
        told "$1" ".received == $(count "$2" packets) and .duplicated == 0 and .reordered == 0"
}

all_claims() { # OPTIONS-OF-PORT-4 [OPTION...]
    claim "starts with a shaped port" start_edge ",rate=20M,q0=weight:1,q1=weight:3$1" "${@:2}"
    claim "and says how it is shared" shows \
        '.ports[3] | .scheduling == "rate=20M,q0=weight:1,q1=weight:3" and .queues[1].weight == 3 and .queues[7].strict' \
        edge.queues
    workers=$(rpc edge.status | jq .workers)
    overload
    claim "the strict class loses nothing" told a '.lost == 0 and .reordered == 0'
    claim "the weighted ones do, in this overload" eval 'told b ".lost > 0" && told c ".lost > 0"'
    claim "all frames are accounted for" eval 'accounted a 7 && accounted b 1 && accounted c 0'
    claim "the reason is told" shows \
        ".drops | .queue_full + .handover_full == $(($(count 0 dropped) + $(count 1 dropped)))" edge.stats

    claim "a wrong configuration is refused" \
        eval '! rpc edge.config "{\"port\": 4, \"scheduling\": \"rate=1M,q0=strict+min:2M\"}" >"$work/err" 2>&1'
    claim "and changes nothing" shows '.ports[0].scheduling == "rate=20M,q0=weight:1,q1=weight:3"' edge.queues '{"port": 4}'
    claim "a port is shared anew while it runs" eval 'rpc edge.config "{\"port\": 4, \"scheduling\": \"rate=20M\"}" >/dev/null'
    before=$(count 0 packets)
    overload
    claim "all strict, the urgent class loses nothing" told a '.lost == 0'
    claim "and the lowest nearly everything" eval 'told c ".received < .sent / 10" &&
        [ $(($(count 0 packets) - before)) = "$(jq .received "$work/c")" ]'
    shows '. == {}' edge.config '{"port": 4, "scheduling": "rate=2M,limit=10s,q0=weight:1,q1=weight:3"}'
    senders=
    traffic c --pps 10000 --size 1514 --count 200 --drain 5s
    traffic b --pps 10000 --size 1514 --count 200 --drain 5s
    # shellcheck disable=SC2086
    wait $senders
    claim "of two full queues the heavier is empty long before the lighter" \
        [ "$(jq -s 'map(.received) == [200, 200] and .[0].duration_s < .[1].duration_s * 0.9' "$work/b" "$work/c")" = true ]
    claim "ends in order" stop "$edge_pid"
}
all_claims ""
echo "# port 4 is another worker's than those the frames come by"
all_claims ",worker=1" --workers 2
claim "2 workers" [ "$workers" = 2 ]
finish
