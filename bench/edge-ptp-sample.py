"""Prints the offset of each Sync that a slave takes (ns), as its ptp4l tells by pmc; and, as the last line on
standard error, how many packets came by the interface each second meanwhile.

usage: python3 edge-ptp-sample.py SOCKET INTERFACE SECONDS"""
import subprocess
import sys
import threading
import time

socket, interface, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
pmc = subprocess.Popen(["pmc", "-u", "-b", "0", "-s", socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def received():
    with open("/proc/net/dev") as lines:
        return next(int(line.split(":")[1].split()[1]) for line in lines if line.strip().startswith(interface + ":"))


def read():
    offset, last = None, None
    for line in pmc.stdout:
        words = line.split()
        if words[:1] == ["master_offset"]:
            offset = words[1]
        elif words[:1] == ["ingress_time"] and words[1] != last:
            if last is not None:  # the first may be older than the load
                print(offset)
            last = words[1]


reader = threading.Thread(target=read)
reader.start()
begin, before = time.monotonic(), received()
while time.monotonic() < begin + seconds:
    pmc.stdin.write("GET TIME_STATUS_NP\n")
    pmc.stdin.flush()
    time.sleep(0.03)
rate = (received() - before) / (time.monotonic() - begin)
pmc.stdin.close()
reader.join()
print(int(rate), file=sys.stderr)
