# sites.sh - sourced by the tests of this folder that need a utility in a box (lab/two-substations) whose substations
# have controllers of their own. What it starts ends with the test.
# shellcheck shell=bash source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export main_program=tielined
need openssl ovs-vswitchd nats-server
root=$(cd "$(dirname "$0")/../.." && pwd)
export TIELINE_BIN=$bin LAB_SITES=yes

name=w$(($$ % 100000))
pki=/run/tieline-lab/$name/pki
lab() { "$root/lab/two-substations" --name "$name" "$@"; }
clean_lab() {
    lab down >/dev/null 2>&1
    clean_up
}
trap clean_lab EXIT

as() { # PERSON ARGUMENT...: of tieline, at the control centre
    local person=$1
    shift
    lab exec ctl env TIELINE_CERT="$pki/$person.pem" TIELINE_KEY="$pki/$person.key" "$bin/tieline" "$@"
}
there() { # PERSON ARGUMENT...: at the substation, whose gateway it is
    local person=$1
    shift
    lab exec sub-a env TIELINE_URL=https://10.255.1.1:8443 TIELINE_CERT="$pki/$person.pem" \
        TIELINE_KEY="$pki/$person.key" "$bin/tieline" "$@"
}
is_true() { # JQ-EXPRESSION COMMAND...
    local filter=$1
    shift
    "$@" --json 2>/dev/null | jq -e "$filter" >/dev/null
}
settings() { # JSON
    echo "{\"tieline-inventory:inventory\": {\"settings\": $1}}" >"$work/settings.json"
    as erin inventory import "$work/settings.json"
}
circuit() { # NAME JQ-OBJECT: what differs
    jq -n --arg name "$1" "{name: \$name, \"service-class\": \"engineering\", \"rate-kbps\": 1000,
        protection: \"none\"} + $2" >"$work/circuit.json"
    as erin circuit create -f "$work/circuit.json" >"$work/create" 2>&1 || cat "$work/create"
}
approvable() { is_true '.step[] | select(.name == "approve") | .state == "waiting"' as erin work show "$order"; }
build() { # CIRCUIT...: both agree
    order=$(as erin circuit build "$@" --until submitted --json | jq .id)
    wait_for 30 approvable
    as olga work approve "$order" --yes >"$work/approve" 2>&1 || cat "$work/approve"
    as sam work approve "$order" --yes >"$work/approve" 2>&1 || cat "$work/approve"
}
active() { is_true '.status.phase == "active"' as erin circuit show "$1"; }
declare -A number_of
know() { # CIRCUIT: which number its rules have
    number_of[$1]=$(as erin circuit show "$1" --json | jq .status.design.number)
}
rules_of() { # CIRCUIT: flow rules of it that the substation's nodes hold, by the number in their cookies
    local node cookie n=0 number=${number_of[$1]}
    for node in a1 a2 a3; do
        for cookie in $(there olga node rules "$node" --observed --json | grep -o 'cookie=0x[0-9a-f]*'); do
            [ $((${cookie#cookie=} >> 32)) != "$number" ] || n=$((n + 1))
        done
    done
    echo "$n"
}
held() { [ "$(rules_of "$1")" -gt 0 ]; }
gone() { [ "$(rules_of "$1")" = 0 ]; }
exception() { is_true "[.exceptions[] | select(.kind == \"$2\")] | length >= ${3:-1}" "$1" olga exception list; }
adopted() { is_true '[.nodes[] | select(.live.state == "adopted")] | length == 10' as erin node list; }
up() { # the lab, with an inventory
    lab up >"$work/up" 2>&1 || cat "$work/up"
    lab controller start
    wait_for 30 as erin whoami
    as erin inventory import "$root"/lab/data/inventory/*.csv >"$work/import" 2>&1 || cat "$work/import"
    wait_for 60 adopted
}
