#!/bin/sh
# Our switch side, interrogated by ovs-ofctl: each command must succeed, and show what the samples of
# samples.c hold. usage: ovs_ofctl.sh DIRECTORY-OF-PROGRAMS
set -u

bin=$1
if ! command -v ovs-ofctl >/dev/null; then
    echo "SKIP: ovs-ofctl is not installed"
    exit 77
fi
dir=$(mktemp -d /tmp/openflow-switch-XXXXXX)
export OVS_RUNDIR="$dir"
"$bin/openflow_switch" "$dir/switch" >"$dir/log" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid; rm -rf "$dir"' EXIT INT TERM
for i in 1 2 3 4 5 6 7 8 9 10; do
    [ -S "$dir/switch" ] && break
    sleep 0.1
done

failed=0
n=0
result() {
    n=$((n + 1))
    echo "$1 $n - $2"
    [ "$1" = ok ] || failed=1
}

# expect COMMAND [ARGUMENT...] -- REGULAR-EXPRESSION...   (each must match a line of the output)
expect() {
    command=$1
    shift
    arguments=
    while [ "$1" != -- ]; do
        arguments="$arguments $1"
        shift
    done
    shift
    # shellcheck disable=SC2086
    if ! timeout 20 ovs-ofctl -O OpenFlow13 "$command" unix:"$dir/switch" $arguments \
        >"$dir/out" 2>"$dir/err"; then
        result "not ok" "$command fails"
        sed 's/^/# /' "$dir/err"
        return
    fi
    if grep -qiE 'malformed|decode error|\*\*\*|bad ' "$dir/out" "$dir/err"; then
        result "not ok" "$command complains"
        sed 's/^/# /' "$dir/out" "$dir/err"
        return
    fi
    for line in "$@"; do
        if ! grep -qE -e "$line" "$dir/out"; then
            result "not ok" "$command shows no $line"
            sed 's/^/# /' "$dir/out"
            return
        fi
    done
    result ok "$command"
}

expect show -- 'dpid:1122334455667788' 'n_tables:2, n_buffers:256' '1\(p1\): addr:02:00:00:00:00:01' \
    '2\(a-15-char-name2\)' 'LOCAL\(local\)' 'speed: 1000 Mbps now' 'miss_send_len=128'
expect dump-desc -- 'Manufacturer: Tieline' 'Serial Num: 4711' 'DP Description: a switch made of'
expect dump-flows -- 'in_port=1,dl_vlan=100,dl_vlan_pcp=4,dl_src=02:00:00:00:00:01' \
    'metadata=0x1100/0xff00' 'dl_dst=01:0c:cd:01:00:00/ff:ff:ff:ff:00:00' 'dl_type=0x88b8' \
    'tcp,nw_src=10.0.0.0/24,nw_dst=10.0.0.9,nw_tos=184,nw_ecn=1,tp_src=20000,tp_dst=502' \
    'udp,tp_src=862,tp_dst=863' 'sctp,tp_src=1,tp_dst=2' 'icmp,icmp_type=8,icmp_code=0' \
    'arp,arp_spa=10.0.0.1,arp_tpa=10.0.0.2,arp_op=1,arp_sha=02:00:00:00:00:01' \
    'icmp6,ipv6_src=2001:db8::/32,ipv6_dst=fe80::1,ipv6_label=0x12345,icmp_type=135' \
    'mpls,mpls_label=703710,mpls_tc=5,mpls_bos=1' \
    'idle_timeout=60, hard_timeout=3600, send_flow_rem'
expect dump-aggregate -- 'packet_count=1000 byte_count=64000 flow_count=11'
expect dump-tables -- 'table 0' 'active=10, lookup=1000, matched=900'
expect dump-table-features -- 'table 0 \("first"\)' 'max_entries=1000' 'eth_dst' 'table 1 \("second"\)'
expect dump-ports -- 'port *1: rx pkts=10, bytes=640, drop=1, errs=3' 'tx pkts=20, bytes=1280, drop=2'
expect dump-ports-desc -- '1\(p1\)' 'FIBER'
expect queue-stats -- 'port 1 queue 1: bytes=640, pkts=10, errors=0, duration=100.000000007s'
expect queue-get-config 1 -- 'min_rate:10.0%' 'max_rate:100.0%'
expect dump-groups -- 'group_id=1,type=all,bucket=actions=output:1,bucket=actions=output:2' \
    'group_id=2,type=select,bucket=weight:10,actions=output:1,bucket=weight:20' \
    'group_id=3,type=indirect' 'group_id=4,type=ff,bucket=watch_port:1,actions=output:1'
expect dump-group-stats -- 'group_id=1,.*ref_count=2,packet_count=30,byte_count=1920,bucket0:packet'
expect dump-group-features -- 'max_groups=0x64' 'max_groups=0x190' 'Types: *0xf'
expect dump-meters -- 'meter=7 kbps burst stats bands=' 'type=drop rate=1000 burst_size=100' \
    'type=dscp_remark rate=500 burst_size=50 prec_level=1' 'meter=8 pktps bands='
expect meter-stats -- 'meter:7 flow_count:3 packet_in_count:30 byte_in_count:1920 duration:100.0*11s'
expect meter-features -- 'max_meter:100 max_bands:2' 'band_types: drop dscp_remark'
expect probe --
expect add-flow in_port=1,tcp,tp_dst=502,actions=dec_ttl,output:2 --
expect mod-flows in_port=1,actions=output:3 --
expect del-flows --
expect add-group group_id=9,type=ff,bucket=watch_port:1,output:1,bucket=watch_port:2,output:2 --
expect mod-group group_id=9,type=all,bucket=output:1 --
expect del-groups group_id=9 --
expect add-meter meter=9,kbps,burst,band=type=drop,rate=100,burst_size=10 --
expect mod-meter meter=9,pktps,band=type=drop,rate=100 --
expect del-meter meter=9 --
expect mod-port 1 no-forward --
expect packet-out in_port=1,packet=ffffffffffff0200000000010806000108000604000102000000000100000000000000000000000000000000000000000000000000000000000000000000,actions=output:2 --

# What a monitoring controller is told by itself.
timeout 3 ovs-ofctl -O OpenFlow13 monitor unix:"$dir/switch" 65535 >"$dir/out" 2>&1
for line in 'OFPT_PACKET_IN .*table_id=1 cookie=0x55 total_len=60 .*in_port=1 \(via action\)' \
    'OFPT_FLOW_REMOVED .*reason=idle table_id=0 cookie:0x2' 'OFPT_PORT_STATUS .*MOD: 1\(p1\)'; do
    if grep -qE "$line" "$dir/out"; then
        result ok "monitor: $line"
    else
        result "not ok" "monitor: $line"
        sed 's/^/# /' "$dir/out"
    fi
done

# And the other way: what ovs-ofctl sent was understood.
kill $pid
wait $pid
for line in \
    'FLOW_MOD .* add table=0,priority=32768,cookie=0x0 in_port=1,eth_type=0x0800,ip_proto=6,tcp_dst=502 -> dec_nw_ttl,output:2' \
    'FLOW_MOD .* delete table=255' \
    'GROUP_MOD .* add group=0x9,type=fast_failover bucket\(watch_port=1,output:1\)' \
    'GROUP_MOD .* modify group=0x9,type=all bucket\(output:1\)' \
    'METER_MOD .* add meter=9 drop\(rate=100 kbit/s,burst=10 kbit\)' \
    'PORT_MOD .* port_no=1 hw_addr=02:00:00:00:00:01 config=NO_FWD' \
    'PACKET_OUT .* in_port=1 actions=output:2 packet=ffffffffffff'; do
    if grep -qE "$line" "$dir/log"; then
        result ok "understood: $line"
    else
        result "not ok" "not understood: $line"
        grep -E "^${line%% *}" "$dir/log" | sed 's/^/# /'
    fi
done
if grep -q '^refused' "$dir/log"; then
    result "not ok" "nothing of ovs-ofctl is refused"
    grep '^refused' "$dir/log" | sed 's/^/# /'
fi
echo "1..$n"
exit $failed
