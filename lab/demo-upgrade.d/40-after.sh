# What is there afterwards is what was engineered; and there is no way back by mistake.
# shellcheck shell=bash disable=SC2154

proved() { as erin network prove --observed --json >"$work/proof.json" && [ "$(field .ok <"$work/proof.json")" = true ]; }
until_true 20 proved
claim "what all nodes hold passes the circuits and nothing else" "$(field '.text // empty' <"$work/proof.json" | head -n 1)" proved
tested() { as erin test run stream-a --json >"$work/test.json" && [ "$(field .ok <"$work/test.json")" = true ]; }
claim "the circuit's test holds on both paths" "" tested
again() { ! update "$old_bin" "$victim" && grep -q "is older than" "$work/update.err" && [ "$(version_of "$victim")" = "$next" ]; }
again
claim "the version before does not take over any more" "$(sed 's/.*nobody took over: //; s/.*manifest: //' "$work/update.err" | cut -c1-120)" \
    eval 'grep -q "is older than" "$work/update.err" && [ "$(version_of "$victim")" = "$next" ]'
"${lab[@]}" controller stop
printf '\n' >>"$work/tree-debs-next/usr/share/tieline/workflows/circuit-teardown.yaml"
"${lab[@]}" controller start
refused_content() { sqlite3 -readonly "$run/journal/control-centre.db" "SELECT body FROM event WHERE type = 'content.refused'" | grep 'circuit-teardown.yaml'; }
until_true 10 refused_content
claim "with a workflow that was altered the controller does not start, which is in the journal" \
    "$(refused_content | jq -r .reason | sed 's/.*workflows: //')" eval 'refused_content && ! as erin whoami'
claim "the journal verifies" "$("$new_bin/tieline" journal verify --file "$run/journal/control-centre.db" 2>&1 | tail -n 1)" \
    "$new_bin/tieline" journal verify --file "$run/journal/control-centre.db"
if [ -n "${DEMO_LOGS:-}" ]; then mkdir -p "$DEMO_LOGS" && cp -r "$run/log" "$DEMO_LOGS/"; fi
"${lab[@]}" down
