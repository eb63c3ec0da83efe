#!/usr/bin/python3
"""usage: edge_queues.py CAPTURE RATE OVERHEAD

What of a capture (pcap, nanoseconds) fits which token bucket of RATE bit/s, with OVERHEAD octets added to each frame:
octets, seconds from the first frame to the last, the rate's deviation in percent once the first burst is over (the
first 0.2 s are left out), and the least bucket that all windows fit in."""
import json
import struct
import sys


def frames(path):
    with open(path, "rb") as f:
        data = f.read()
    magic, = struct.unpack_from("<I", data)
    assert magic == 0xA1B23C4D, "not a pcap file with nanoseconds"
    at = 24
    while at + 16 <= len(data):
        seconds, nanoseconds, captured, size = struct.unpack_from("<IIII", data, at)
        at += 16 + captured
        yield seconds * 10**9 + nanoseconds, size


def main(path, rate, overhead):
    seen = [(time, size + overhead) for time, size in frames(path)]
    per_ns = float(rate) / 8e9
    level = bucket = 0.0
    last = seen[0][0]
    for time, size in seen:
        level = max(0.0, level - (time - last) * per_ns) + size
        bucket = max(bucket, level)
        last = time
    steady = [(time, size) for time, size in seen if time >= seen[0][0] + 2 * 10**8]
    octets = sum(size for _, size in steady[1:])
    error = octets / ((steady[-1][0] - steady[0][0]) * per_ns) - 1
    print(json.dumps({"octets": sum(size for _, size in seen), "seconds": (last - seen[0][0]) / 1e9,
                      "rate_error": error * 100, "bucket": round(bucket, 1)}))


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
