# controller.sh - sourced by lab/wan: the WAN controller at 10.255.7.1, and the engineer's desk beside it.
# shellcheck shell=bash disable=SC2154

issue() { # NAME [SAN]
    local cn=$1 san=${2:-DNS:$1}
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$run/pki/$cn.key" \
        -subj "/CN=$cn" -out "$run/pki/$cn.csr" 2>/dev/null
    openssl x509 -req -in "$run/pki/$cn.csr" -CA "$run/pki/ca.pem" -CAkey "$run/pki/ca.key" \
        -CAcreateserial -days 30 -extfile <(printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\n' "$san") \
        -out "$run/pki/$cn.pem" 2>/dev/null
    rm -f "$run/pki/$cn.csr"
}

# An engineer, an operator, a security administrator.
make_pki() {
    local person
    mkdir -p "$run/pki"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$run/pki/ca.key" \
        -out "$run/pki/ca.pem" -days 30 -subj "/CN=tieline lab $name" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
    issue controller "DNS:controller,IP:$pce_one"
    for person in erin olga sam; do issue "$person"; done
    chmod 600 "$run"/pki/*.key
    printf '{"users": {"erin": ["ENGINEER"], "olga": ["OPERATOR"], "sam": ["SECADM"]}}\n' >"$run/users.json"
}

# What only the plan knows: which cables are in one duct.
write_plan() {
    local a b srlgs
    {
        echo "node_a,node_b,srlg"
        while IFS='|' read -r a b srlgs; do echo "$(loopback "$a"),$(loopback "$b"),$srlgs"; done < <(rows links a b srlgs)
    } >"$run/plan.csv"
}

# The network is learned from two routers, so that none of them is missed.
write_settings() {
    local router kind=frr-$igp
    {
        echo "pcep: {listen: \"$pce_one:4189\", ${LAB_CURE:-repeat: 300ms}, binding: 500000}"
        echo "feeds:"
        for router in n2 s2; do
            printf '  - {name: %s, kind: %s, socket: %s' "$router" "$kind" "$run/router/$router/${igp}d.vty"
            [ "$igp" != ospf ] || printf ', api: "%s:2607", local: %s' "$(management "$router")" "$pce_one"
            printf ', interval: %s}\n' "${LAB_INTERVAL:-100ms}"
        done
        echo "  - {name: plan, kind: import, file: $run/plan.csv}"
        echo "at-risk: {hold-off: 500ms}"
        [ -z "$stations" ] || echo "netconf: {user: root, key: $run/ssh/controller, known-hosts: $run/ssh/known_hosts, templates: $root/etc/vpn, confirm: 30s, soak: 1s, drift: 1s}"
    } >"$run/wan.yaml"
}

start_controller() {
    local programs=${TIELINE_BIN:-$root/build/release/bin}
    ! runs controller || fail "the controller runs already"
    [ -d "$run/pki" ] || make_pki
    write_plan
    write_settings
    mkdir -p "$run/journal"
    # shellcheck disable=SC2086
    ip netns exec "$(ns ctl)" setsid "$programs/tielined" --site control-centre --journal "$run/journal/wan.db" \
        --ca "$run/pki/ca.pem" --cert "$run/pki/controller.pem" --key "$run/pki/controller.key" \
        --openflow "$pce_one:6653" --rpc "$pce_one:6654" --https "$pce_one:8443" --users "$run/users.json" \
        --schema "$root/schema" --workflows "$root/etc/workflows" --wan "$run/wan.yaml" ${LAB_OPTIONS:-} \
        >>"$run/log/controller.log" 2>&1 </dev/null &
    echo $! >"$run/pid/controller"
    disown
    wait_for 10 grep -q 'API at' "$run/log/controller.log" || fail "the controller does not start: see $run/log/controller.log"
    [ -z "$stations" ] || start_stations
}

cmd_controller() { # start|stop|kill|log
    case ${1:-} in
    start) start_controller ;;
    stop) stop controller ;;
    kill) stop controller KILL ;;
    log) cat "$run/log/controller.log" ;;
    *) fail "controller start|stop|kill|log" ;;
    esac
}

cmd_desk() { # COMMAND...: as $TIELINE_USER (erin)
    local person=${TIELINE_USER:-erin} programs=${TIELINE_BIN:-$root/build/release/bin}
    in_ns ctl env "TIELINE_URL=https://$pce_one:8443" "TIELINE_CA=$run/pki/ca.pem" \
        "TIELINE_CERT=$run/pki/$person.pem" "TIELINE_KEY=$run/pki/$person.key" "PATH=$programs:$PATH" "$@"
}
