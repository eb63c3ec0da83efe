# What is left: the network is as engineered, the journals and all copies verify.
# shellcheck shell=bash disable=SC2154

until_true 60 adopted
until_true 30 links_up
until_true 20 proved
claim "after all of it every node is there, and what they hold is proved" "$(tail -n 1 "$work/proved")" proved
for site in control-centre sub-a sub-b; do "${lab[@]}" site stop "$site" controller; done
sound=0 events=0
for file in "$run"/journal/*.db "$run"/journal/*.sites/*.db; do
    "$TIELINE_BIN/tieline" journal verify --file "$file" >>"$work/verified" 2>&1 || sound=1
    events=$((events + $(ask_file "$file" "SELECT count(*) FROM event")))
done
claim "every journal and every copy verifies, those that were put aside too" \
    "$(ls "$run"/journal/*.db "$run"/journal/*.sites/*.db | wc -l) files, $events events" test $sound = 0
