# Everything is torn down; what was there before is there again.
# shellcheck shell=bash disable=SC2154

false_alarms() {
    as ada journal list --type link.state --limit 1000 --json |
        jq -r --arg cut "${cut:-}" '.events[].body | (if type == "string" then fromjson else . end) |
            select((.up | not) and .link != $cut) | "\(.link): \(.reason)"' | grep heartbeat
}
end "${stalls:-}"
: >>"$work/stalls" # none, if this part is run alone
# A node is silent while the processor it is on stands still; the figure says what this machine did to the lab.
stood_still=$(awk '{ if ($2 - $1 > most) most = $2 - $1 } END { printf "%d times, %.1f ms at most", NR, most }' "$work/stalls")
alarm=$(false_alarms | head -n 1)
claim "no heartbeat has called a link lost that nobody has cut" \
    "$(false_alarms | wc -l) in all${alarm:+, as $alarm}; a processor stood still $stood_still" eval '! false_alarms'

# shellcheck disable=SC2046
order=$(as erin circuit teardown scada-a trip-a1 stream-a ping-b copy-b $(jq -r '.[].name' "$work/bulk.json") --json | field .id)
until_true 30 step_is "$order" approve waiting
as olga work approve "$order" --yes --comment "end of the demo" >/dev/null
until_true 300 order_is "$order" "done"
claim "all circuits are torn down" "$(order_state "$order")" order_is "$order" "done"
all_rules >"$work/rules-after"
claim "teardown leaves the tables as they were before the first circuit" \
    "$(wc -l <"$work/rules-after") rules" diff "$work/rules-before" "$work/rules-after"

"${lab[@]}" controller stop
cp "$run/journal/control-centre.db" "$work/journal.db"
intact=$("$TIELINE_BIN/tieline" journal verify --file "$run/journal/control-centre.db" 2>&1 | tail -n 1)
claim "the journal verifies" "$intact" "$TIELINE_BIN/tieline" journal verify --file "$run/journal/control-centre.db"
sqlite3 "$work/journal.db" "UPDATE event SET body = replace(body, 'scada-a', 'scada-x') WHERE seq = (SELECT min(seq) FROM event WHERE type = 'circuit.wanted')" 2>"$work/sqlite.err"
changed() { ! "$TIELINE_BIN/tieline" journal verify --file "$work/journal.db"; }
claim "a record changed in a copy is found" "$("$TIELINE_BIN/tieline" journal verify --file "$work/journal.db" 2>&1 | tail -n 1 | cut -c1-120)" changed

openssl genpkey -algorithm ed25519 -out "$work/site.key" 2>>"$work/claims.log"
openssl pkey -in "$work/site.key" -pubout -out "$work/site.pub"
journal() { "$TIELINE_BIN/tieline" journal "$@"; }
seq=$(sqlite3 "$run/journal/control-centre.db" "SELECT min(seq) FROM event WHERE type = 'circuit.wanted'")
proves() {
    journal checkpoint --file "$run/journal/control-centre.db" --secret "$work/site.key" --name cc --save "$work/note" &&
        journal evidence "$seq" --file "$run/journal/control-centre.db" --checkpoint "$work/note" --public "$work/site.pub" \
            --signer cc --save "$work/evidence.json" &&
        journal check "$work/evidence.json" --public "$work/site.pub" --signer cc >"$work/checked"
}
proves
claim "evidence of one event convinces who has the public key alone" "$(tail -n 1 "$work/checked")" proves
sed 's/scada-a/scada-x/' "$work/evidence.json" >"$work/forged.json"
forged() { ! journal check "$work/forged.json" --public "$work/site.pub" --signer cc; }
claim "... and not if a word of it is another" "$(journal check "$work/forged.json" --public "$work/site.pub" --signer cc 2>&1 | sed 's/.*forged.json: //')" forged

if [ -n "${DEMO_LOGS:-}" ]; then mkdir -p "$DEMO_LOGS" && cp -r "$run/log" "$DEMO_LOGS/"; fi
"${lab[@]}" down
no_trace() { [ ! -e "$run" ] && ! ip netns list | grep -q "^$name-"; }
claim "the lab is down without a trace" "" no_trace
