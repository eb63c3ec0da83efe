# Ping and iperf3: ICMP is a circuit too, and a meter holds.
# shellcheck shell=bash disable=SC2154

as erin circuit create ping-b --from hist --to rtu-b --protocol icmp --class engineering --rate 200k >/dev/null || say "ping-b is refused"
as erin circuit create copy-b --from rtu-b --to hist --protocol tcp --port 5201 --class bulk --rate 10M --burst 150000 >/dev/null || say "copy-b is refused"
build ping-b copy-b || say "ping-b and copy-b cannot be approved"
until_true 60 order_is "$order" "done"
pinged=$(at hist ping -n -q -c 20 -i 0.05 -W 1 10.30.0.11 | grep -E 'loss|rtt' | tr '\n' ' ')
claim "an ICMP circuit: ping" "$pinged" grep -q ' 0% packet loss' <<<"$pinged"
claim "but not the other way" "" eval '! at rtu-b ping -n -q -c 2 -i 0.2 -W 1 10.10.0.12'
at rtu-b iperf3 -c 10.10.0.12 -t 4 -J >"$work/iperf.json" 2>&1
mbps=$(field '.end.sum_received.bits_per_second / 1e6 | floor' <"$work/iperf.json")
holds() { [ "${mbps:-0}" -ge 4 ] && [ "$mbps" -le 10 ]; }
claim "iperf3 gets through a circuit of 10 Mbit/s, and no more than that" "${mbps:-no} Mbit/s" holds
