# Engineering access for 20 s.
# shellcheck shell=bash disable=SC2154

log_in() {
    at eng-a timeout 4 ssh -q -i "$run/ssh/client" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o ConnectTimeout=2 -o BatchMode=yes root@10.20.0.21 true
}
claim "without a circuit there is no way in" "" eval '! log_in'
from=$(date -u -d '+2 seconds' +%Y-%m-%dT%H:%M:%SZ)
end_of_access=$(date -u -d '+22 seconds' +%Y-%m-%dT%H:%M:%SZ)
jq -n --arg from "$from" --arg until "$end_of_access" '{name: "access-eng", description: "ssh to relay-a1 for 20 s",
    ip: {client: "eng-a", server: "relay-a1", protocol: "tcp", "server-ports": [22]},
    "service-class": "engineering", "rate-kbps": 5000, window: {start: $from, end: $until}}' >"$work/access.json"
as erin circuit create -f "$work/access.json" >/dev/null || say "access-eng is refused"
build access-eng || say "access-eng cannot be approved"
until_true 20 log_in
claim "engineering access works in its window" "" log_in
until_true 60 order_is "$order" "done"
claim "and ends by itself" "the order is $(order_state "$order") $(($(date +%s) - $(date -d "$end_of_access" +%s))) s after the end of the window" eval '! log_in'
