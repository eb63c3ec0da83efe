# Disks: replaced, rolled back, without what was not synced when the power went. And a clock that is wrong.
# shellcheck shell=bash disable=SC2154

open_exception() { as vic exception list --json | field "[.exceptions[] | select(.kind == \"$1\" and .object == \"$2\" and .state != \"closed\")] | length"; }
raised() { [ "$(open_exception "$1" "$2")" -ge 1 ]; }

traffic disks
"${lab[@]}" site kill sub-a controller
rm -rf "$(own_journal sub-a)"* # its copies, too: the whole disk
begun=$(now_ms)
"${lab[@]}" site start sub-a controller
until_true 60 raised journal-replaced journal/sub-a
claim "the disk of sub-a is replaced: that is found out, and told" \
    "$(as vic exception list --json | field '[.exceptions[] | select(.kind == "journal-replaced")][0].text')" raised journal-replaced journal/sub-a
until_true 30 answers sub-a
caught_up sub-a "$begun" "the disk of sub-a is replaced"
kept=$(ls "$run"/journal/control-centre.db.sites/sub-a-*.kept.db 2>/dev/null | tail -n 1)
sound() { [ -n "$kept" ] && "$TIELINE_BIN/tieline" journal verify --file "$kept"; }
claim "what was known of the old one is kept, and verifies" "$(ask_file "$kept" 'SELECT count(*) FROM event') events in $(basename "$kept")" sound
until_true 60 own_nodes
claim "the site has learned again what the centre wants, and has its nodes" "" own_nodes

"${lab[@]}" site stop sub-b controller
cp "$(own_journal sub-b)" "$work/old-sub-b.db"
"${lab[@]}" site start sub-b controller
until_true 30 answers sub-b
sleep 5
"${lab[@]}" site stop sub-b controller
cp "$work/old-sub-b.db" "$(own_journal sub-b)"
rm -f "$(own_journal sub-b)"-*
begun=$(now_ms)
"${lab[@]}" site start sub-b controller
until_true 60 raised journal-rolled-back journal/sub-b
claim "the disk of sub-b is rolled back by 5 s: that is found out, and told" \
    "$(as vic exception list --json | field '[.exceptions[] | select(.kind == "journal-rolled-back")][0].text')" raised journal-rolled-back journal/sub-b
until_true 30 answers sub-b
caught_up sub-b "$begun" "the disk of sub-b is rolled back"
epochs=$(ask_file "$(own_journal sub-b)" "SELECT count(DISTINCT epoch) FROM event")
claim "the site has begun a new epoch: no number means two events" "$epochs epochs" test "$epochs" = 2

# From here on the site's journal loses what was not synced, when its power goes.
"${lab[@]}" site stop sub-a controller
LAB_ENV="LD_PRELOAD=$TIELINE_BIN/powerloss.so POWERLOSS_DIR=$run/journal" "${lab[@]}" site start sub-a controller
until_true 30 answers sub-a
"${lab[@]}" site cut sub-a
sleep 8
acknowledged=$(head_of "$(own_journal sub-a)")
"${lab[@]}" site kill sub-a
lost=$("$TIELINE_BIN/lab-powerloss" "$run/journal" | sed 's/.*: //' | paste -sd';')
left=$(head_of "$(own_journal sub-a)")
claim "the power of sub-a goes while it is cut off: what it had acknowledged is there" \
    "$left events left of $acknowledged read before; $lost" test "$left" -ge "$acknowledged"
"${lab[@]}" site start sub-a
begun=$(now_ms)
"${lab[@]}" site restore sub-a
until_true 30 answers sub-a
caught_up sub-a "$begun" "power lost during a cut"

"${lab[@]}" site stop sub-b controller
LAB_ENV="LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1 FAKETIME=+3600s FAKETIME_DONT_FAKE_MONOTONIC=1" \
    "${lab[@]}" site start sub-b controller
begun=$(now_ms)
until_true 30 answers sub-b
sleep 3
caught_up sub-b "$begun" "the clock of sub-b is an hour ahead"
ahead=$(($(ask_file "$(copy_of sub-b)" "SELECT max(time) / 1000000000 FROM event") - $(date +%s)))
claim "its events say so" "$ahead s ahead" test "$ahead" -gt 3000
"${lab[@]}" site stop sub-b controller
"${lab[@]}" site start sub-b controller
begun=$(now_ms)
until_true 30 answers sub-b
sleep 3
caught_up sub-b "$begun" "the clock of sub-b is right again"
no_packet_lost disks "disks and clocks"
