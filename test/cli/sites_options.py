#!/usr/bin/env python3
"""tielined among sites: what is wrong with its options it says, and does not start. Prints a line per claim.

Usage: sites_options.py DIRECTORY-OF-PROGRAMS"""

import pathlib
import signal
import subprocess
import sys
import tempfile
import time

BIN = pathlib.Path(sys.argv[1]).resolve()
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
claims = failed = 0
work = tempfile.TemporaryDirectory()
here = pathlib.Path(work.name)
BUS = ["--bus", "nats://127.0.0.1:9"]  # where nobody listens, which is no reason not to start
SITE = [*BUS, "--centre", "cc", "--number", "1"]


def claim(text, holds, seen=""):
    global claims, failed
    claims += 1
    print(f"{'ok' if holds else 'not ok'} {claims} - {text}")
    if not holds:
        failed += 1
        print("\n".join(f"#   {line}" for line in str(seen).splitlines()))


def command(journal, options):
    site = [] if "--site" in options else ["--site", "lab"]
    return [BIN / "tielined", *site, "--journal", journal, "--ca", "cert.pem", "--cert", "cert.pem", "--key",
            "key.pem", "--users", "users.json", "--schema", ROOT / "schema", "--workflows", ROOT / "etc/workflows",
            "--openflow", "127.0.0.1:0", "--rpc", "127.0.0.1:0", "--https", "127.0.0.1:0", *options]


def refused(options, says, status=1):
    """It ends with this status, and the last that it says is that."""
    try:
        result = subprocess.run(command("refused.db", options), capture_output=True, text=True, cwd=here, timeout=60)
    except subprocess.TimeoutExpired as error:
        claim(" ".join(map(str, options)), False, f"it started\n{error.stderr}")
        return
    last = result.stderr.strip().splitlines()[-1:] or [""]
    claim(" ".join(map(str, options)),
          result.returncode == status and says in last[0] and not result.stdout,
          f"exit status {result.returncode}, not {status}\nnot: {says}\n{result.stdout}{result.stderr}")


def starts(name, options):
    """It starts, and ends when it is told to."""
    log = here / f"{name}.log"
    with open(log, "w") as out:
        program = subprocess.Popen(command(f"{name}.db", options), stderr=out, cwd=here)
    deadline = time.monotonic() + 60
    while "API at" not in log.read_text() and program.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    began = "API at" in log.read_text()
    program.send_signal(signal.SIGTERM)
    claim(" ".join(options) + ": starts", began and program.wait(60) == 0, log.read_text())


subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                "60", "-subj", "/CN=controller", "-keyout", "key.pem", "-out", "cert.pem"], cwd=here, check=True,
               capture_output=True)
(here / "users.json").write_text('{"users": {"olga": ["OPERATOR"]}}')

# What is right, so that what is refused below is refused for what it says.
starts("centre", [*BUS, "--peers", "sub-a=1,sub-b=2", "--domain", "lab,wan"])
starts("site", [*SITE, "--roles", "lan,assure,gateway"])

# What speaks of other sites needs a way to them.
for option, value in (("centre", "cc"), ("peers", "a=1"), ("domain", "lab,wan"), ("copies", "copies"), ("number", "1"),
                      ("bus-credentials", "x"), ("bus-ca", "x"), ("bus-cert", "x"), ("bus-key", "x"),
                      ("witnesses", "a")):
    refused([f"--{option}", value], f"--{option}: --bus is needed: the way to other sites")
for number in ("0", "-1", "1024", "4294967297", "one"):
    refused([*BUS, "--centre", "cc", "--number", number], f'--number: "{number}" is not a number from 1 to 1023', 2)

# Names.
refused([*BUS, "--site", "lab.a"], '--site: site "lab.a": no "." where a bus leads to it')
refused([*BUS, "--site", "lab a"], "--site: ")
refused([*BUS, "--number", "1", "--centre", "c.c"], '--centre: site "c.c": no "." where a bus leads to it')
refused([*BUS, "--number", "1", "--centre", "c c"], "--centre: ")
refused([*BUS, "--number", "1", "--centre", "lab"], "--centre: this is site lab itself")
for domain in ("lab,,wan", "lab,w n", ","):
    refused([*BUS, "--domain", domain], "--domain: ")
refused([*BUS, "--domain", ",".join(["lab"] * 1025)], "--domain: more than 1024 sites")

# Who is whose.
refused([*SITE, "--peers", "a=1"], "--peers are the centre's, and this is a site of cc")
refused([*SITE, "--domain", "wan"], "--domain: a site has its own nodes alone")
refused([*SITE, "--domain", "lab,wan"], "--domain: a site has its own nodes alone")
refused([*BUS, "--centre", "cc"], "--number is needed: the number of this site")
refused([*BUS, "--number", "1"], "--number: it is a site's own, and this is the centre: no --centre")
refused([*BUS, "--domain", "lab,wan", "--peers", "a=1,wan=2"], "--peers: site wan is ours (--domain)")
refused([*BUS, "--peers", "lab=1"], "--peers: site lab is ours (--domain)")
refused([*BUS, "--peers", "a"], '--peers: "a": NAME=NUMBER is expected')
refused([*BUS, "--peers", "a=1,"], '--peers: "": NAME=NUMBER is expected')
refused([*BUS, "--peers", "a=1,a=2"], "--peers: site a is there twice")
refused([*BUS, "--peers", "a=1,b=1"], "--peers: a and b have the same number 1")
refused([*BUS, "--peers", "a=1024"], '--peers: "a=1024": its number is not one from 1 to 1023')
refused([*BUS, "--peers", "a.b=1"], '--peers: site "a.b": no "." where a bus leads to it')

# The way there.
refused(["--bus", "http://127.0.0.1:9"], "--bus http://127.0.0.1:9: a broker's URL is nats://HOST[:PORT] or ")
refused(["--bus", "tls://127.0.0.1:9", "--bus-ca", "nowhere.pem"], "--bus tls://127.0.0.1:9: nowhere.pem: ")
refused(["--bus", "tls://127.0.0.1:9", "--bus-cert", "nowhere.pem"], "--bus tls://127.0.0.1:9: nowhere.pem: ")
refused(["--bus", "tls://127.0.0.1:9", "--bus-key", "nowhere.pem"], "--bus tls://127.0.0.1:9: nowhere.pem: ")
(here / "file").write_text("")
refused([*BUS, "--copies", "file/copies"], "file/copies: Not a directory")
refused(["--roles", "lan,lam"], '--roles: "lam" is no role: lan, wan, assure, orchestrate and gateway are')

print(f"1..{claims}")
sys.exit(1 if failed else 0)
