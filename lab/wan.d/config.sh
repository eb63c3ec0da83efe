# config.sh - what the routers of lab/wan are told, from the tables beside it; sourced by lab/wan.
# shellcheck shell=bash
# shellcheck disable=SC2154 # lab/wan has igp, msd, pcc_timers, pes, is_pe, pce_one and pce_two

config_zebra() { # ROUTER
    local link a b igp te delay jitter group mbps srlgs k=0 class rate
    cat <<CONFIG
hostname $1
fpm address $pce_one port 2620
interface lo
 ip address $(loopback "$1")/32
 ipv6 address fd00:20::$(number_of "$1")/128
CONFIG
    while IFS='|' read -r link a b igp te delay jitter group mbps srlgs; do
        k=$((k + 1))
        [ "$1" = "$a" ] || [ "$1" = "$b" ] || continue
        rate=$((mbps * 125000)) # octets a second
        cat <<CONFIG
interface $([ "$1" = "$a" ] && echo "$b" || echo "$a")
 ip address 10.30.$k.$([ "$1" = "$a" ] && echo 1 || echo 2)/30
 link-params
  enable
  metric $te
  max-rsv-bw $rate
$(for class in 0 1 2 3 4 5 6 7; do echo "  unrsv-bw $class $rate"; done)
  max-bw $rate
  admin-grp $group
  delay $delay
  delay-variation $jitter
 exit-link-params
CONFIG
    done < <(rows links name a b igp-metric te-metric delay-us jitter-us admin-group reservable-mbps srlgs)
    [ "${is_pe[$1]}" != yes ] || echo "interface ce
 ip address 10.50.$(number_of "$1").1/24"
}

# A router's interfaces and their IGP metrics: "NAME METRIC".
interfaces() { # ROUTER
    rows links a b igp-metric | awk -F'|' -v me="$1" '$1 == me { print $2, $3 } $2 == me { print $1, $3 }'
}

config_ospfd() { # ROUTER
    local interface metric
    cat <<CONFIG
hostname $1
interface lo
 ip ospf area 0
 ip ospf passive
CONFIG
    while read -r interface metric; do
        cat <<CONFIG
interface $interface
 ip ospf area 0
 ip ospf network point-to-point
 ip ospf cost $metric
 ip ospf hello-interval 1
 ip ospf dead-interval 4
 ip ospf retransmit-interval 2
CONFIG
    done < <(interfaces "$1")
    cat <<CONFIG
router ospf
 ospf router-id $(loopback "$1")
 timers throttle spf 0 50 500
 timers throttle lsa all 0
 timers lsa min-arrival 0
 capability opaque
 mpls-te on
 mpls-te router-address $(loopback "$1")
 mpls-te export
 router-info area
 segment-routing on
 segment-routing global-block 16000 23999
 segment-routing node-msd $msd
 segment-routing prefix $(loopback "$1")/32 index $(number_of "$1")
CONFIG
}

# `net` comes last and the interfaces behind it: what begins before its timers are set begins with those of before, which
# are half a minute.
config_isisd() { # ROUTER
    local interface metric
    cat <<CONFIG
hostname $1
router isis wan
 is-type level-2-only
 metric-style wide
 lsp-gen-interval 1
 spf-delay-ietf init-delay 0 short-delay 20 long-delay 500 holddown 1000 time-to-learn 100
 log-adjacency-changes
 mpls-te on
 mpls-te router-address $(loopback "$1")
 mpls-te export
 segment-routing on
 segment-routing global-block 16000 23999
 segment-routing node-msd $msd
 segment-routing prefix $(loopback "$1")/32 index $(number_of "$1")
 net 49.0001.0000.0000.000$(number_of "$1").00
interface lo
 ip router isis wan
 isis passive
CONFIG
    while read -r interface metric; do
        cat <<CONFIG
interface $interface
 ip router isis wan
 isis circuit-type level-2-only
 isis network point-to-point
 isis metric $metric
 isis hello-interval 1
 isis hello-multiplier 4
 isis three-way-handshake
CONFIG
    done < <(interfaces "$1")
}

# Providers' edges know each other; VPNs are for others to provision.
config_bgpd() { # ROUTER
    local router
    cat <<CONFIG
hostname $1
router bgp 65000
 bgp router-id $(loopback "$1")
 no bgp default ipv4-unicast
CONFIG
    for router in "${pes[@]}"; do
        [ "$router" != "$1" ] || continue
        cat <<CONFIG
 neighbor $(loopback "$router") remote-as 65000
 neighbor $(loopback "$router") update-source lo
 neighbor $(loopback "$router") timers 3 10
 neighbor $(loopback "$router") timers connect 1
 address-family ipv4 vpn
  neighbor $(loopback "$router") activate
 exit-address-family
CONFIG
    done
}

# Policies without a path of their own ("dynamic") are the PCE's to fill; `fallback` is a list of
# routers for when there is none.
config_pathd() { # ROUTER
    local router policy colour endpoint bsid fallback hop index lists="" policies=""
    while IFS='|' read -r router policy colour endpoint bsid fallback; do
        [ "$router" = "$1" ] || continue
        policies+="  policy color $colour endpoint $(loopback "$endpoint")
   name $policy
   binding-sid $bsid
   candidate-path preference 200 name pce-$policy dynamic
"
        [ -n "$fallback" ] || continue
        lists+="  segment-list $policy
"
        index=0
        for hop in $fallback; do
            index=$((index + 10))
            lists+="   index $index mpls label $((16000 + $(number_of "$hop")))
"
        done
        policies+="   candidate-path preference 100 name fallback explicit segment-list $policy
"
    done < <(rows policies router name color endpoint binding-sid fallback)
    cat <<CONFIG
hostname $1
segment-routing
 traffic-eng
  mpls-te on
  mpls-te import $([ "$igp" = ospf ] && echo ospfv2 || echo isis)
$lists$policies  pcep
   pce-config timers
    timer $pcc_timers
   pce one
    config timers
    address ip $pce_one
    source-address ip $(loopback "$1")
    pce-initiated
   pce two
    config timers
    address ip $pce_two
    source-address ip $(loopback "$1")
    pce-initiated
   pcc
    msd $msd
    peer one precedence 10
    peer two precedence 20
CONFIG
}
