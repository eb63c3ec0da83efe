"""What the tests with peers share: our speaker and others as processes, a capture, a judge of it."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

BIN = os.path.abspath(sys.argv[1])


def skip_without(*programs):
    missing = [p for p in programs if not shutil.which(p)]
    if missing:
        print("SKIPPED: not installed:", ", ".join(missing))
        sys.exit(77)


def free_port(address="127.0.0.1"):
    with socket.socket() as s:
        s.bind((address, 0))
        return s.getsockname()[1]


class Process:
    """Its lines of output are kept in `lines`, and in a file."""

    def __init__(self, name, argv, directory, env=None, stdin=subprocess.PIPE):
        self.name, self.lines = name, []
        self.process = subprocess.Popen(
            argv, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            cwd=directory, env=dict(os.environ, **(env or {})))
        self.log = open(os.path.join(directory, name + ".log"), "a")
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self.log.write(line)
            self.log.flush()

    def wait(self, what, found, seconds=60):
        """Waits until found(lines) is true, and returns that."""
        end = time.time() + seconds
        while time.time() < end:
            result = found(list(self.lines))
            if result:
                return result
            time.sleep(0.05)
        print("\n".join(line[:300] for line in self.lines[-20:]))
        sys.exit(f"{self.name}: no {what} within {seconds} s")

    def wait_line(self, beginning, n=1, seconds=60):
        """The nth line that begins so."""
        return self.wait(f'line "{beginning}" ({n})',
                         lambda lines: [x for x in lines if x.startswith(beginning)][n - 1:n], seconds)[0]

    def count(self, beginning):
        return sum(x.startswith(beginning) for x in self.lines)

    def write(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def end(self):
        """Input ends, and with it our speaker."""
        if self.process.stdin:
            self.process.stdin.close()
        return self.process.wait(30)

    def kill(self, number=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(30)


class Test:
    """A directory and processes that go when the test does."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="tieline-bgpls-")
        os.chmod(self.directory, 0o755)
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for p in self.processes:
            p.kill()
        if kind is None:
            shutil.rmtree(self.directory)
        else:
            print("kept:", self.directory)

    def start(self, name, argv, **more):
        process = Process(name, argv, self.directory, **more)
        self.processes.append(process)
        return process

    def speaker(self, name, *arguments):
        return self.start(name, [os.path.join(BIN, "bgpls_speaker"), *arguments])

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def capture(self, *ports):
        """Of the loopback device; returns the file."""
        path = os.path.join(self.directory, "capture.pcap")
        wanted = " or ".join(f"tcp port {p}" for p in ports)
        process = self.start("tcpdump", ["tcpdump", "-i", "lo", "--immediate-mode", "-U", "-s", "0", "-w", path, wanted])
        process.wait_line("tcpdump: listening", seconds=20)
        return path, process


def messages_of(path, ports, sources):
    """The BGP messages that `sources` sent, from a capture without losses."""
    command = ["tshark", "-r", path, "-T", "fields", "-e", "ip.src", "-e", "tcp.stream", "-e", "tcp.payload",
               "-Y", "tcp.payload"]
    for port in ports:
        command += ["-d", f"tcp.port=={port},data"]
    streams = {}
    for line in subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               check=True).stdout.splitlines():
        source, stream, payload = line.split("\t")
        if source in sources:
            streams.setdefault((source, stream), bytearray()).extend(bytes.fromhex(payload))
    for octets in streams.values():
        while octets:
            size = int.from_bytes(octets[16:18], "big")
            if size < 19 or size > len(octets):
                break # not all there yet
            yield bytes(octets[:size])
            del octets[:size]


# tshark 4.0 knows one of the four IGP flags of prefixes (RFC 9552 section 5.3.3.1); 64 is N.
NO_FAULT = {"Reserved flags are not set to zero (64)."}


def faults(messages, severities):
    """Warnings and errors; what is less is a remark ("Graceful Restart Capability supported in Helper mode only")."""
    return {m for m, s in zip(messages.split("|"), severities.split("|")) if s and int(s) >= 0x600000} - NO_FAULT


def captured(path, ports, sources, kind, n):
    """All messages: when there are n of that kind, which comes last."""
    end = time.time() + 30
    while time.time() < end:
        messages = list(messages_of(path, ports, sources))
        if sum(m[18] == kind for m in messages) >= n:
            return messages
        time.sleep(0.5)
    sys.exit(f"the capture lacks messages: {len(messages)} are there")


def judge(path, process, ports, sources, kind, n_last):
    """tshark reads what `sources` sent, and has nothing to say against it. Each message is given to it in a
    frame of its own: tshark 4.0 calls anybody's End-of-RIB malformed that shares one with link state."""
    messages = captured(path, ports, sources, kind, n_last)
    process.kill(signal.SIGINT)
    directory = os.path.dirname(path)
    text, one = os.path.join(directory, "messages.txt"), os.path.join(directory, "messages.pcap")
    n = len(messages)
    with open(text, "w") as file:
        for message in messages:
            for at in range(0, len(message), 16):
                file.write(f"{at:06x} {message[at:at + 16].hex(' ')}\n")
    subprocess.run(["text2pcap", "-q", "-T", "179,5000", text, one], check=True, stderr=subprocess.DEVNULL)
    read = subprocess.run(["tshark", "-r", one, "-T", "fields", "-E", "aggregator=|", "-e", "frame.number",
                           "-e", "bgp.type", "-e", "_ws.expert.message", "-e", "_ws.malformed",
                           "-e", "_ws.expert.severity"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    rows = [line.split("\t") for line in read.splitlines()]
    known = [row for row in rows if row[1]]
    bad = [row for row in rows if row[3] or faults(row[2], row[4])]
    print(f"tshark: {n} BGP messages of ours, {len(known)} of them read, {len(bad)} with anything to say against")
    if bad or len(known) != n or not n:
        sys.exit(str(bad))


def fields(line):
    """A line of our speaker: NLRI and attributes in hexadecimal, both as text."""
    left, nlri, attributes = line[2:].split(" | ", 2)
    key, _, value = left.partition(" ")
    return key, value.strip(), nlri, attributes


def tlvs(value):
    """Octets of an attribute, in hexadecimal, as a list of type and value."""
    octets, out = bytes.fromhex(value), []
    while octets:
        kind, size = int.from_bytes(octets[:2], "big"), int.from_bytes(octets[2:4], "big")
        out.append((kind, octets[4:4 + size].hex()))
        octets = octets[4 + size:]
    return out


def check(what, ok, detail=""):
    if not ok:
        sys.exit(f"not so: {what} {detail() if callable(detail) else detail}")
    print("ok:", what)
