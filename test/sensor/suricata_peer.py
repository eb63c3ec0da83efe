#!/usr/bin/env python3
"""Rules held against captures by tieline-sensor and by Suricata itself: who alerts of what.

Usage: suricata_peer.py TIELINE-SENSOR PCAPS [CAPTURE...]
PCAPS is ../shared/data/pcaps; every EVERY-th capture of it is taken (40). SURICATA is the program (default: on the path), SURICATA_ETC has its suricata.yaml. For every capture
there are the rules of suricata_peer.rules beside this file, and rules made of what is said in it: octets of a payload, with places and
distances that are right or nearly so. Prints TAP: of each kind of rule, how many pairs of a rule and a conversation (one way of it)
both found. How often a rule alerts of a stream is not compared: Suricata looks at pieces that other things decide. Exit status 1: they
differ in more than is explained here; 77: no Suricata, or no captures.
"""
import collections
import ipaddress
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).resolve().parent
# Captures in which the two cannot agree, by what their names begin with.
APART = {
    "fkie-cad__EnergyDataset_raw_": "their packets are not in the order of their times: streams are what each makes of it",
    "zeek__ssh_": "Suricata looks no further once it is encrypted",
    "zeek__tls_tls1.2-protocol-violation.pcap": "as above",
    "zeek__tls_tls13draft16-ff52.a01.pcap": "as above",
}
# ... as to Modbus alone.
MODBUS_APART = {
    "ITI__pcaps_ModbusTCP_ModbusTCP.pcap": "they begin in the middle: Suricata has client and server the other way round",
    "ITI__pcaps_ModbusTCP_Modbus_modbus_test.pcap": "as above",
    "ITI__pcaps_ModbusTCP_modbus_test_data_part1.pcap": "Suricata does not take it for Modbus",
    "ITI__pcaps_ModbusTCP_modbus_test_data_part2.pcap": "as above",
    "ITI__pcaps_bro_modbus_fuzz-72.pcap": "as above",
    "ITI__pcaps_modicon_modicon_test.pcap": "as above",
    "ITI__pcaps_bro_modbus_modbusSmall.pcap": "requests that are too short: Suricata tells nothing of them, here their function counts",
}
# TLS that begins within another protocol Suricata does not take for it.
WITHIN_ANOTHER = ("starttls", "auth-tls", "to-ssl")
# How much of a kind may differ (of 1), and why; everything else: 0.02.
DIFFERING = {
    "flow": (0.14, "where a capture begins in the middle, Suricata takes the first sender for the client"),
    "modbus-value": (1, "Suricata 7.0.10 finds no coil that is switched on"),
    "dnp3-function": (0.2, "Suricata 7.0.10 does not look into UDP, nor we into fragments that are too long to be"),
    "dnp3-ind": (0.25, "as above"),
    "dnp3-object": (0.1, "as above"),
    "cip-service": (0.2, "class and attribute of requests without data"),
}
SETTINGS = """stream.midstream=true stream.async-oneside=true stream.reassembly.depth=0 app-layer.protocols.modbus.enabled=yes
app-layer.protocols.modbus.stream-depth=0 app-layer.protocols.dnp3.enabled=yes app-layer.protocols.enip.enabled=yes
packet-alert-max=255 app-layer.protocols.tls.ja3-fingerprints=yes app-layer.protocols.snmp.enabled=yes app-layer.protocols.tls.encryption-handling=full vars.address-groups.EXTERNAL_NET=any""".split()


def octets(data):
    return "|" + data.hex(" ") + "|"


def payloads(capture, limit):
    """(protocol, stream, payload) of packets with one, by tshark."""
    fields = "-e ip.proto -e tcp.payload -e udp.payload".split()
    out = subprocess.run(["tshark", "-r", capture, "-T", "fields", *fields, "tcp.payload || udp.payload"], capture_output=True,
                         text=True).stdout.splitlines()
    found = []
    for line in out:
        proto, tcp, udp = (line.split("\t") + ["", ""])[:3]
        hexes = tcp or udp
        if proto in ("6", "17") and hexes and len(hexes) <= 6000:
            found.append(("tcp" if tcp else "udp", bytes.fromhex(hexes.split(",")[0])))
    random.shuffle(found)
    return found[:limit]


def made(capture, first):
    """Rules of the capture's own octets: (kind, sid, rule)."""
    for proto, data in payloads(capture, 12):
        n = len(data)
        a = random.randrange(n)
        b = min(n, a + random.randint(1, 12))
        one = data[a:b]
        c = random.randrange(n)
        two = data[c:min(n, c + random.randint(1, 6))]
        near = random.choice([0, 0, 0, 1, -1])
        options = {
            "content": f'content:"{octets(one)}";',
            "nocase": f'content:"{octets(one.swapcase())}"; nocase;',
            "offset": f'content:"{octets(one)}"; offset:{max(0, a + near)}; depth:{len(one) + random.randint(0, 2)};',
            "startswith": f'content:"{octets(data[:4])}"; startswith;',
            "endswith": f'content:"{octets(data[-3:])}"; endswith; dsize:{n};',
            "distance": f'content:"{octets(one)}"; content:"{octets(two)}"; distance:{c - b + near};' if c >= b else "",
            "within": f'content:"{octets(one)}"; content:"{octets(two)}"; distance:{max(0, c - b + near)}; within:{len(two)};' if c >= b else "",
            "negated": f'content:"{octets(one)}"; content:!"{octets(two)}"; dsize:{n};',
            "isdataat": f'content:"{octets(one)}"; isdataat:{"!" if near else ""}{random.randint(0, max(1, n - b + 1))},relative; dsize:{n};',
            "byte_test": f'dsize:{n}; byte_test:{min(2, n - a) or 1},{random.choice(["=", ">", "<", "!=", "&"])},'
                         f'{int.from_bytes(data[a:a + 2], "big") + near if near >= 0 else 3},{a};',
            "byte_jump": f'dsize:{n}; content:"{octets(two)}"; byte_jump:1,{a}; isdataat:{random.randint(0, 4)},relative;',
            "byte_extract": f'dsize:{n}; byte_extract:1,{a},v; byte_test:1,=,v,{c};',
            "pcre": f'dsize:{n}; pcre:"/' + "".join(f"\\x{o:02x}" for o in one) + '/s";',
            "pcre-relative": f'dsize:{n}; content:"{octets(one)}"; pcre:"/^.{{{max(0, c - b)}}}' + "".join(f"\\x{o:02x}" for o in two) +
                             '/sR";' if c >= b else "",
            "dsize": f"dsize:{random.choice(['', '>', '<'])}{n};",
        }
        for kind, text in options.items():
            if text and "!=" in text:
                text = text.replace("!=", "!")
            if text:
                yield kind, first, f'alert {proto} any any -> any any (msg:"{kind}"; {text} sid:{first};)\n'
                first += 1


# Buffers, and the field of tshark that has what they should have.
BUFFERS = {
    "http.uri.raw": ("http.request.uri", "http", "to_server"),
    "http.method": ("http.request.method", "http", "to_server"),
    "http.host": ("http.host", "http", "to_server"),
    "http.user_agent": ("http.user_agent", "http", "to_server"),
    "http.referer": ("http.referer", "http", "to_server"),
    "http.cookie": ("http.cookie", "http", "to_server"),
    "http.stat_code": ("http.response.code", "http", "to_client"),
    "http.server": ("http.server", "http", "to_client"),
    "http.content_type": ("http.content_type", "http", "to_client"),
    "http.location": ("http.location", "http", "to_client"),
    "dns.query": ("dns.qry.name", "dns", "to_server"),
    "tls.sni": ("tls.handshake.extensions_server_name", "tls", "to_server"),
    "tls.cert_subject": ("x509sat.uTF8String", "tls", "to_client"),
    "tls.cert_issuer": ("x509sat.printableString", "tls", "to_client"),
    "ja3.hash": ("tls.handshake.ja3", "tls", "to_server"),
    "ja3s.hash": ("tls.handshake.ja3s", "tls", "to_client"),
    "ssh.software": ("ssh.protocol", "ssh", "to_server"),
    "snmp.community": ("snmp.community", "snmp", "to_server"),
}
PARTS = {"ssh.software": lambda v: v.strip().split("-", 2)[-1].split(" ")[0], "http.host": lambda v: v.lower()}
LOOSE = ("tls.cert_subject", "tls.cert_issuer")  # what tshark has is a part of the buffer
DIGESTS = ("ja3.hash", "ja3s.hash")  # Suricata takes whole ones alone


def made_of_buffers(capture, first):
    """Rules of what buffers have in the capture, or nearly have: (kind, sid, rule)."""
    names = list(BUFFERS)
    fields = [part for name in names for part in ("-e", BUFFERS[name][0])]
    out = subprocess.run(["tshark", "-r", capture, "-T", "fields", "-E", "occurrence=f", *fields, "http || dns || tls || ssh || snmp"],
                         capture_output=True, text=True).stdout.split("\n")
    values = collections.defaultdict(set)
    for line in out:
        for name, value in zip(names, line.split("\t")):
            value = PARTS.get(name, lambda v: v)(value)
            if value and value.isprintable() and value.isascii() and len(value) < 200:
                values[name].add(value)
    for name in names:
        for value in sorted(values[name])[:6]:
            a = random.randrange(len(value))
            part = octets(value[a:a + random.randint(1, 12)].encode())
            whole, n = octets(value.encode()), len(value)
            near = random.choice([0, 0, 1])
            options = {
                "whole": f'content:"{whole}"; bsize:{n + near};',
                "part": f'content:"{part}"; offset:{a + near};',
                "start": f'content:"{octets(value[near:n // 2 + 1 + near].encode())}"; startswith;',
                "end": f'content:"{octets(value[n // 2:n - near].encode())}"; endswith;' if n // 2 < n - near else "",
                "size": f"bsize:{random.choice(['<', '>', ''])}{n};",
                "negated": f'content:"{octets(value[:1].encode())}"; content:!"{part}";',
                "pcre": f'pcre:"/^{"".join(f"{chr(92)}x{o:02x}" for o in value.encode())}$/";',
                "dot": f'dotprefix; content:"{octets(("." + value).encode())}"; endswith;',
                "space": f'strip_whitespace; to_lowercase; content:"{octets("".join(value.lower().split()).encode())}"; bsize:{len("".join(value.split()))};',
            }
            if name in LOOSE:
                options = {"whole": f'content:"{whole}";', "part": f'content:"{part}";'}
            elif name in DIGESTS:
                options = {"whole": f'content:"{whole}";', "not": f'content:!"{whole[:-3]}00|";', "size": options["size"]}
            _, app, way = BUFFERS[name]
            for text in options.values():
                if text:
                    yield name, first, f'alert {app} any any -> any any (msg:"{name}"; flow:{way}; {name}; {text} sid:{first};)\n'
                    first += 1


def kinds_of(text):
    kinds = {}
    for line in text.splitlines():
        if "sid:" in line and not line.startswith("#"):
            kinds[int(line.split("sid:")[1].split(";")[0])] = line.split('msg:"')[1].split('"')[0].split(" ")[0]
    return kinds


def theirs(suricata, etc, rules, capture, folder):
    command = [suricata, "-c", f"{etc}/suricata.yaml", "-S", rules, "-r", capture, "-l", folder, "-k", "none", "--runmode", "single"]
    for name in ("classification", "reference"):
        command += ["--set", f"{name}-config-file={etc}/{name}.config", "--set", f"{name}-file={etc}/{name}.config"]
    for setting in SETTINGS:
        command += ["--set", setting]
    done = subprocess.run(command, capture_output=True, text=True)
    refused = [line for line in (done.stdout + done.stderr).splitlines() if "error parsing signature" in line]
    alerts = collections.Counter()
    for line in open(f"{folder}/eve.json"):
        e = json.loads(line)
        if e["event_type"] == "alert":
            src, dst = (str(ipaddress.ip_address(e[f"{name}_ip"])) for name in ("src", "dest"))
            alerts[e["alert"]["signature_id"], src, e.get("src_port", 0), dst, e.get("dest_port", 0)] += 1
    os.unlink(f"{folder}/eve.json")
    return alerts, refused


def end(text):
    if text.startswith("["):
        return text[1:text.index("]")], int(text.rpartition(":")[2])
    if text.count(":") > 1:
        return text, 0
    address, _, port = text.partition(":")
    return address, int(port or 0)


def ours(sensor, rules, capture):
    out = subprocess.run([sensor, "--read", capture, "--suricata", rules, "--suricata-unsupported"], capture_output=True, text=True)
    alerts, refused = collections.Counter(), []
    for line in out.stdout.splitlines():
        e = json.loads(line)
        if "suricata" in e:
            alerts[(e["suricata"]["sid"], *end(e["from"]), *end(e["to"]))] += 1
        else:
            refused.append(line)
    return alerts, refused


def main():
    sensor, pcaps = sys.argv[1], pathlib.Path(sys.argv[2])
    suricata = os.environ.get("SURICATA") or shutil.which("suricata")
    etc = os.environ.get("SURICATA_ETC", "/etc/suricata")
    if not suricata or not shutil.which("tshark"):
        print("1..0 # skip: no Suricata, or no tshark")
        return 77
    if not pcaps.is_dir():
        print(f"1..0 # skip: no captures in {pcaps}")
        return 77
    fixed = (here / "suricata_peer.rules").read_text()
    captures = [pathlib.Path(c) for c in sys.argv[3:]] or sorted(p for p in pcaps.rglob("*") if ".pcap" in p.name or ".cap" in p.name)
    step = int(os.environ.get("EVERY", "40"))
    both, only_ours, only_theirs, n_rules = (collections.Counter() for _ in range(4))
    examples, counts = [], collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        for capture in captures[::step]:
            if capture.name.startswith(tuple(APART)):
                continue
            random.seed(capture.name)
            text = fixed + "".join(rule for _, _, rule in [*made(str(capture), 100000), *made_of_buffers(str(capture), 200000)])
            rules = f"{folder}/rules"
            pathlib.Path(rules).write_text(text)
            kinds = kinds_of(text)
            their, their_refused = theirs(suricata, etc, rules, str(capture), folder)
            our, our_refused = ours(sensor, rules, str(capture))
            n_rules.update(kinds.values())
            for why in their_refused[:2] + our_refused[:2]:
                examples.append(f"{capture.name}: refused: {why}"[:400])
            for key in our.keys() | their.keys():
                kind = kinds[key[0]]
                if kind.startswith("modbus") and capture.name in MODBUS_APART:
                    continue
                if kind.startswith(("app", "tls.", "ja3")) and any(name in capture.name for name in WITHIN_ANOTHER):
                    continue
                (both if key in our and key in their else only_ours if key in our else only_theirs)[kind] += 1
                if key in our and key in their and (kind == "dsize" or "dsize" in kind or kind.startswith("packet")):
                    counts["same" if our[key] == their[key] else "other"] += 1
                    if our[key] != their[key] and "COUNTS" in os.environ:
                        examples.append(f"{capture.name}: {kind} {key}: {our[key]} alerts of ours, {their[key]} of theirs")
                if (key in our) != (key in their):
                    rule = next(line for line in text.splitlines() if f"sid:{key[0]};" in line)
                    examples.append(f"{capture.name}: only {'ours' if key in our else 'theirs'}: {key[1:]} {rule}")
    for example in examples[:int(os.environ.get("SHOW", "40"))]:
        print(f"# {example}")
    failed = 0
    for number, kind in enumerate(sorted(n_rules), 1):
        total = both[kind] + only_ours[kind] + only_theirs[kind]
        tolerance, why = DIFFERING.get(kind, (0.02, ""))
        ok = both[kind] >= (1 - tolerance) * total - 2
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {number} - {kind}: {n_rules[kind]} rules, {both[kind]} of {total} found by both, "
              f"{only_ours[kind]} by us alone, {only_theirs[kind]} by Suricata alone" + (f" ({why})" if why else ""))
    print(f"# packets: {counts['same']} times as many alerts, {counts['other']} times not")
    print(f"1..{len(n_rules)}")
    return 1 if failed else 0


sys.exit(main())
