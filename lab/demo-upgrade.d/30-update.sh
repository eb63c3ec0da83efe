# Node after node is updated under traffic, then the controller; nothing is lost.
# shellcheck shell=bash disable=SC2154

update() { TIELINE_BIN=$1 "${lab[@]}" node upgrade "$2" 2>"$work/update.err"; } # PROGRAMS NODE
version_of() { as erin edge status --node "$1" --json | field .version; }
edges=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) col[$i] = i; next } $(col["kind"]) == "tieline-edge" { print $(col["name"]) }' \
    "$here/data/inventory/nodes.csv")
others=$(comm -23 <(sort <<<"$nodes") <(sort <<<"$edges"))

# Is all as it was, so that the next node may be taken out of use?
settled() {
    adopted || return 1
    local node
    for node in $edges; do
        [ "$(as erin edge ports --node "$node" --json | field '[.ports[] | select(.live | not)] | length')" = 0 ] || return 1
    done
    [ "$(as erin link list --json | field '[.links[] | select(.live.state != "up")] | length')" = 0 ]
}
until_true 60 settled || say "not everything is up"

stream stream
spawn modbus fep "$old_bin/lab-modbus" poll 10.20.0.11 --interval 100ms --json
poller=$spawned
sleep 1

cp -r "$work/tree-debs-next" "$work/tree-bad"
printf '\0' >>"$work/tree-bad/usr/lib/tieline/edge/tieline-edge"
victim=$(head -n 1 <<<"$edges")
update "$work/tree-bad/usr/bin" "$victim" && say "it took over"
why=$(sed 's/.*tieline-edge: it/it/' "$work/update.err" | cut -c1-160)
claim "a program that was altered does not take over; the node goes on" "$why" \
    eval '[ -n "$why" ] && grep -q "were signed\|what was signed" "$work/update.err" && [ "$(version_of "$victim")" = "$version" ]'

updated=0 slowest=0
for node in $edges; do
    how=$(grep -c "driver xdp" "$run/log/$node.log" || true)
    begun=$(now_ms)
    if ! update "$new_bin" "$node"; then
        say "$node: $(cat "$work/update.err")"
        continue
    fi
    took=$(($(now_ms) - begun))
    until_true 60 settled || say "$node: not everything is up again"
    say "$node: $(version_of "$node") after $took ms, $([ "$how" = 0 ] && echo "by a warm restart" || echo "started cold, its neighbours went round it"); all settled after $(($(now_ms) - begun)) ms"
    [ "$(version_of "$node")" != "$next" ] || updated=$((updated + 1))
    [ $took -le $slowest ] || slowest=$took
done
n_edges=$(wc -w <<<"$edges")
claim "every node is updated, one after the other" "$updated of $n_edges run $next; the slowest took $slowest ms" test $updated = "$n_edges"
for node in $others; do update "$new_bin" "$node" || say "$node: $(cat "$work/update.err")"; done
until_true 30 settled
claim "so is the probe beside the switch that is not ours" "$others" \
    eval '[ "$(readlink "/proc/$(cat "$run/pid/b2-probe")/exe")" = "$(readlink -f "$new_bin/tieline-probe")" ]'

begun=$(now_ms)
"${lab[@]}" controller stop
TIELINE_BIN=$new_bin "${lab[@]}" controller start
export TIELINE_BIN=$new_bin
until_true 20 as erin whoami
away=$(($(now_ms) - begun))
until_true 60 settled
server() { [ "$(as erin whoami --json | field .version)" = "$next" ]; }
claim "the controller is updated: rules stay in the nodes" "away for $away ms, all adopted again after $(($(now_ms) - begun)) ms" server
sleep 1

end "$sender"
end "$poller"
wait "$receiver"
none_lost() { [ "$(last stream | field '.lost == 0 and .received > 10000')" = true ]; }
claim "not a packet of the protected circuit is lost" \
    "$(last stream | field '"\(.received) packets at 1,000 a second, \(.lost) lost, \(.reordered // 0) reordered, \(.duplicates // 0) twice, longest gap \(.longest_gap_ms | round) ms"')" none_lost
polled() { [ "$(last modbus | field '.failed == 0 and .ok > 100')" = true ]; }
claim "nor does a Modbus poll fail" "$(last modbus | field '"\(.ok) polls, \(.failed) failed, p50 \(.response.p50_us / 100 | round / 10) ms, longest pause \(.longest_pause_ms | round) ms"')" polled
