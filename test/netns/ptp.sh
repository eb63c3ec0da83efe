#!/bin/bash
# linuxptp on both sides of an edge that is a transparent clock, in both modes and over each transport: the
# slave follows, what leaves is right to the octet as tshark reads it, and what was added is what it took.
# Nothing here says how accurate it is: bench/edge-ptp does.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
main_program=tieline-edge need ptp4l pmc tcpdump tshark ovs-ofctl ethtool python3
rpc_tool=$(dirname "$(readlink -f "$0")")/edge_rpc.py

#   m m0 --- p1 +----+ p2 --- s0 s      a master and two slaves
#               | sw |
#               +----+ p3 --- t0 t
host sw m s t
link m m0 sw p1
link s s0 sw p2
link t t0 sw p3
for end in "m m0 1" "s s0 2" "t t0 3"; do
    # shellcheck disable=SC2086
    set -- "$bin" $end
    in_host "$2" sysctl -qw "net.ipv6.conf.$3.disable_ipv6=0" "net.ipv6.conf.$3.accept_dad=0"
    ip -n $prefix-"$2" addr add "10.1.0.$4/24" dev "$3"
    ip -n $prefix-"$2" addr add "fe80::$4/64" dev "$3" nodad 2>/dev/null
    in_host "$2" ethtool -K "$3" tx off >/dev/null 2>&1 # checksums on the wire, as of real cards
done

control=$work/control
start_edge() { # MODE DRIVER [OPTION...]
    local mode=$1 driver=$2
    shift 2
    spawn sw "$work/edge" "$bin/tieline-edge" --name n1 --datapath-id 0x11 --port "1=p1,driver=$driver" \
        --port "2=p2,driver=$driver" --port "3=p3,driver=$driver" --ptp "$mode" --workers "${workers:-1}" --control "$control" ${busy_poll:+--busy-poll} "$@"
    edge=$spawned
    wait_for 10 rpc edge.status
    of add-flow priority=1,in_port=1,actions=output:2,output:3
    of add-flow priority=1,in_port=2,actions=output:1,output:3
    of add-flow priority=1,in_port=3,actions=output:1,output:2
}
rpc() { /usr/bin/python3 "$rpc_tool" call "$control" "$@"; }
of() { ovs-ofctl -O OpenFlow13 "$1" "unix:$control.of" "${@:2}" 2>"$work/of.err"; }
clock() { # FILTER
    rpc edge.clock >"$work/clock" && true_of "$1" <"$work/clock" && return
    echo "# $1: $(head -c 3000 "$work/clock")"
    return 1
}

cat >"$work/ptp.cfg" <<END
[global]
time_stamping software
free_running 1
logSyncInterval -4
logMinDelayReqInterval -4
logMinPdelayReqInterval -2
logAnnounceInterval -1
END
ptp() { # HOST INTERFACE OPTION...: ptp4l there; the clocks are one and the same, and nobody may set it
    spawn "$1" "$work/ptp4l-$1" ptp4l -i "$2" -f "$work/ptp.cfg" -m --uds_address "$work/uds-$1" "${@:3}"
}
ask() { # HOST DATASET: what its ptp4l says
    in_host "$1" pmc -u -b 0 -s "$work/uds-$1" "GET $2" 2>/dev/null
}
field() { awk -v name="$1" '$1 == name {print $2; exit}'; }
master=
follows() { # HOST: it has chosen our master and measures against it
    [ "$(ask "$1" PARENT_DATA_SET | field parentPortIdentity | cut -d- -f1)" = "$master" ] &&
        [ "$(ask "$1" TIME_STATUS_NP | field ingress_time)" -gt 0 ] &&
        for delay in "CURRENT_DATA_SET meanPathDelay" "PORT_DATA_SET peerMeanPathDelay"; do
            awk -v d="$(ask "$1" "${delay% *}" | field "${delay#* }")" 'BEGIN {exit !(d > 0)}' && return
        done
    return 1
}

# What left by a link, of one type: sequence, clock, correction (ns), as tshark reads it.
messages() { # CAPTURE TYPE [FIELD...]
    local capture=$1 type=$2 fields=
    shift 2
    for field; do fields="$fields -e $field"; done
    # shellcheck disable=SC2086
    tshark -n -r "$capture" -o udp.check_checksum:TRUE -Y "ptp.v2.messagetype == $type" -T fields \
        -e ptp.v2.sequenceid -e ptp.v2.clockidentity -e ptp.v2.correction.ns $fields 2>/dev/null
}
signed() { awk '{if ($3 > 9e18) $3 -= 18446744073709551616; print}'; } # tshark 4.0 shows it unsigned
corrected() { # CAPTURE TYPE: there are such messages, all of the 20 last with something added, below 0.5 s
    messages "$1" "$2" | signed | tail -n 20 |
        awk '{n++; if ($3 <= 0 || $3 > 5e8) bad++} END {if (!n || bad) print "# " n " messages, " bad " wrong"; exit !n || bad}'
}
clean() { # CAPTURE: nothing malformed, no checksum wrong
    local check="-o udp.check_checksum:TRUE -o ip.check_checksum:TRUE"
    # shellcheck disable=SC2086
    [ "$(tshark -n -r "$1" $check -Y ptp 2>/dev/null | wc -l)" -gt 0 ] || return 1
    # shellcheck disable=SC2086
    tshark -n -r "$1" $check -Y 'ptp && (_ws.malformed || udp.checksum.status == 0 || ip.checksum.status == 0 ||
        _ws.expert.severity >= 0x600000)' 2>/dev/null >"$work/dirty"
    head -n 5 "$work/dirty" | sed 's/^/# /'
    [ ! -s "$work/dirty" ]
}
# The sum of both corrections of each Sync is what passed between the captures of both sides, to a millisecond
# (the captures' own times are another's, taken after ours).
sums_are_residence() { # CAPTURE-BEFORE CAPTURE-BEHIND
    messages "$1" 0 frame.time_epoch | sort >"$work/before"
    messages "$2" 0 frame.time_epoch | signed | sort >"$work/behind"
    messages "$2" 8 | signed | sort >"$work/follow"
    awk 'FILENAME ~ /before$/ {at[$1 $2] = $4; next}
         FILENAME ~ /follow$/ {more[$1 $2] = $3; next}
         ($1 $2) in at && ($1 $2) in more {
             n++
             took = ($4 - at[$1 $2]) * 1e9; added = $3 + more[$1 $2]
             if (added <= 0 || added > took + 1e6) {bad++; print "# Sync " $1 ": took " took ", added " added}
         }
         END {exit n < 10 || bad}' "$work/before" "$work/follow" "$work/behind"
}

capture() { # HOST INTERFACE
    spawn "$1" "$work/tcpdump-$1" tcpdump -Z root -i "$2" -U --immediate-mode --time-stamp-precision nano -w "$work/$1.pcap" \
        'ether proto 0x88f7 or udp port 319 or udp port 320'
    wait_for 5 grep -q listening "$work/tcpdump-$1.err"
}
session() { # MODE DRIVER PTP4L-OPTIONS...
    local mode=$1 driver=$2
    shift 2
    start_edge "$mode" "$driver"
    capture m m0
    tcpdumps=$spawned
    capture s s0
    tcpdumps="$tcpdumps $spawned"
    ptp m m0 --priority1 10 "$@"
    ptps=$spawned
    ptp s s0 -s "$@"
    ptps="$ptps $spawned"
    ptp t t0 -s "$@"
    ptps="$ptps $spawned"
    wait_for 5 eval 'ask m DEFAULT_DATA_SET | grep -q clockIdentity'
    master=$(ask m DEFAULT_DATA_SET | field clockIdentity)
}
end_session() {
    for pid in $ptps; do stop "$pid"; done
    sleep 0.2
    for pid in $tcpdumps; do stop "$pid"; done
    claim "   ends in order" stop "$edge"
}
enough() { clock ".corrected | .$1 >= 30 and .Follow_Up >= 30" >/dev/null; }

# ---- End to end

for transport in "-2 Ethernet" "-4 IPv4" "-6 IPv6"; do
    session e2e packet "${transport% *}" -E
    claim "end to end over ${transport#* }: a slave follows" wait_for 20 follows s
    claim "   and the other one" wait_for 20 follows t
    wait_for 20 enough Delay_Req
    claim "   all that must be is corrected" clock '.corrected | .Sync >= 30 and .Follow_Up >= 30 and .Delay_Req >= 20 and .Delay_Resp >= 10'
    claim "   of all of them it is known when they came and left" clock '.counters | [.malformed, .implausible, .unmatched, .discarded] == [0, 0, 0, 0]'
    claim "   by the kernel's stamps" clock '[.ports[] | .["rx-stamps"], .["tx-stamps"]] | unique == ["kernel"]'
    claim "   which it does not make more of than they are" clock '.accuracy | contains("not fit for")'
    claim "   and by whom the time is" clock "(.masters | length == 1) and (.masters[0] | .grandmaster == \"${master//./}\" and .\"in-port\" == 1 and .heard and .\"clock-class\" == 248)"
    if [ -x "$bin/tieline" ]; then
        claim "   as tieline edge clock says" eval '"$bin/tieline" edge clock --control "$control" >"$work/text" &&
            grep -q "mode  *e2e" "$work/text" && grep -q "${master//./}" "$work/text"'
    fi
    end_session
    claim "   Sync leaves with a correction" corrected "$work/s.pcap" 0
    claim "   Delay_Resp comes back with that of its request" corrected "$work/s.pcap" 9
    claim "   Sync and Follow_Up together have the time it took" sums_are_residence "$work/m.pcap" "$work/s.pcap"
    claim "   what leaves is in order" clean "$work/s.pcap"
    claim "   on both sides" clean "$work/m.pcap"
done

# ---- Peer to peer

for transport in "-2 Ethernet" "-4 IPv4" "-6 IPv6"; do
    session p2p packet "${transport% *}" -P
    claim "peer to peer over ${transport#* }: a slave follows" wait_for 20 follows s
    claim "   and the other one" wait_for 20 follows t
    wait_for 20 enough Sync
    claim "   the node knows the delay of all its links" wait_for 20 clock '[.ports[].link | ."delay-ns" >= 0 and .measured >= 3 and ."several-peers" == 0] | all and length == 3'
    claim "   and who is at their ends" clock ".ports[0].link.peer == \"${master//./}\""
    claim "   has answered" clock '[.ports[].link | .answered >= 3 and .refused == 0] | all'
    end_session
    claim "   Sync leaves with a correction" corrected "$work/s.pcap" 0
    claim "   the peer's own messages are a link's own" eval \
        '! messages "$work/s.pcap" 2 | grep -qi "$(tr -d . <<<"$master" | sed "s/.*/0x&/")"'
    claim "   what leaves is in order" clean "$work/s.pcap"
done

# ---- Several packet threads, each with a port

workers=3
session e2e packet -4 -E
claim "with several workers a slave follows" wait_for 20 follows s
wait_for 20 enough Delay_Req
claim "   and finds what another one knows" clock '.corrected.Delay_Resp >= 10 and (.counters | .unmatched + .implausible == 0)'
end_session
claim "   Sync leaves with a correction" corrected "$work/s.pcap" 0
claim "   Delay_Resp comes back with that of its request" corrected "$work/s.pcap" 9
claim "   what leaves is in order" clean "$work/s.pcap"
session p2p packet -2 -P
claim "   and peer to peer" wait_for 20 follows s
end_session
workers=1

# ---- By a thread that never waits for an event, whose stamps it has to look for

busy_poll=1
session e2e packet -4 -E
claim "busy-polling a slave follows" wait_for 20 follows s
wait_for 20 enough Delay_Req
claim "   it is known when all of it came and left" clock '.corrected.Delay_Resp >= 10 and (.counters | [.malformed, .implausible, .unmatched, .discarded] == [0, 0, 0, 0])'
claim "   by the kernel's stamps" clock '[.ports[] | .["rx-stamps"], .["tx-stamps"]] | unique == ["kernel"]'
end_session
claim "   Sync leaves with a correction" corrected "$work/s.pcap" 0
busy_poll=

# ---- In the kernel's fast path, with AF_XDP, and with none

session e2e kernel -4 -E
claim "beside the kernel's fast path a slave follows" wait_for 20 follows s
wait_for 20 enough Delay_Req
claim "   none of it goes through there" clock '.corrected.Sync >= 30 and (.counters | .unmatched + .implausible == 0)'
end_session
claim "   Sync leaves with a correction" corrected "$work/s.pcap" 0
claim "   what leaves is in order" clean "$work/s.pcap"

session e2e xdp -2 -E
claim "over AF_XDP a slave follows" wait_for 20 follows s
wait_for 20 enough Delay_Req
claim "   by the program's own stamps of what leaves" clock '[.ports[]."tx-stamps"] | unique == ["application"]'
end_session
claim "   Sync leaves with a correction" corrected "$work/s.pcap" 0

session off packet -2 -E
claim "without a clock a slave follows too" wait_for 20 follows s
claim "   and says that it has none" clock '. == {"mode": "off"}'
end_session
claim "   nothing is added" eval '[ "$(messages "$work/s.pcap" 0 | awk "{print \$3}" | sort -u)" = 0 ]'

# ---- What the tables do not allow is not forwarded because it is about time

session e2e packet -2 -E
of del-flows
before=$(wc -c <"$work/s.pcap")
sleep 1
claim "no rule, no time" [ "$(wc -c <"$work/s.pcap")" = "$before" ]
end_session
finish
