# Programs are killed with -9: the hub, a site's broker, a site's controller, the centre's.
# shellcheck shell=bash disable=SC2154

traffic killed
"${lab[@]}" site kill control-centre broker
sleep 3
begun=$(now_ms)
"${lab[@]}" site start control-centre broker
until_true 30 answers sub-a
until_true 30 answers sub-b
caught_up sub-a "$begun" "the hub is killed and comes back after 3 s"
caught_up sub-b "$begun" "the hub is killed and comes back after 3 s"

"${lab[@]}" site kill sub-a broker
sleep 3
begun=$(now_ms)
"${lab[@]}" site start sub-a broker
until_true 30 answers sub-a
caught_up sub-a "$begun" "the broker of sub-a is killed"

"${lab[@]}" site kill sub-a controller
sleep 2
begun=$(now_ms)
"${lab[@]}" site start sub-a controller
until_true 30 answers sub-a
caught_up sub-a "$begun" "the controller of sub-a is killed"
until_true 30 own_nodes
claim "its nodes are adopted anew" "" own_nodes

"${lab[@]}" site kill control-centre controller
sleep 2
begun=$(now_ms)
"${lab[@]}" site start control-centre controller
until_true 30 as vic whoami
until_true 30 answers sub-a
caught_up sub-a "$begun" "the controller of the centre is killed"
no_packet_lost killed "programs are killed"
