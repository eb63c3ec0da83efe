"""ExaBGP reads what we announce, and its JSON says the same as our own decoder."""
import json

from peers import Test, check, fields, free_port, judge, skip_without

PROTOCOLS = {1: "IS-IS L1", 2: "IS-IS L2", 3: "OSPFv2", 4: "direct", 5: "static", 6: "OSPFv3"}
# What ExaBGP 4.2 does not know ("attribute-not-implemented"), by our name for it.
NOT_KNOWN = {"266": "node MSD", "1036": "SR local block", "1114": "delay us",
             "1115": "min/max delay us", "1116": "delay variation us"}

CONFIG = """
process dump {{ run {python} {script} {out}; encoder json; }}
neighbor 127.0.0.1 {{
  router-id 10.0.0.200;
  local-address 127.0.0.12;
  local-as 65001;
  peer-as 65000;
  {passive}
  family {{ bgp-ls bgp-ls; }}
  capability {{ graceful-restart 60; }}
  api {{ processes [ dump ]; receive {{ parsed; update; }} }}
}}
"""
DUMP = """
import sys
with open(sys.argv[1], "a", buffering=1) as out:
    for line in iter(sys.stdin.readline, ""):
        out.write(line)
"""


def node_text(d):
    out = f"as {d['autonomous-system']} bgp-ls-id {d['bgp-ls-identifier']} "
    if "ospf-area-id" in d:
        out += f"area {d['ospf-area-id']} "
    router = d["router-id"]
    if "." not in router:
        router = ".".join(router[i:i + 4] for i in (0, 4, 8))
    if "psn" in d:
        router += f".{int(d['psn']):02x}"
    return f"[{out}{router}]"


def nlri_text(n):
    """Our text of an NLRI, made of ExaBGP's JSON. It does not tell the identifiers of links."""
    head = f"{PROTOCOLS[n['protocol-id']]} {n['l3-routing-topology']} "
    if n["ls-nlri-type"] == "bgpls-node":
        return "node " + head + node_text(n["node-descriptors"])
    if n["ls-nlri-type"] == "bgpls-link":
        out = "link " + head + node_text(n["local-node-descriptors"]) + " "
        out += node_text(n["remote-node-descriptors"])
        if n["interface-address"]:
            out += f" {n['interface-address']['interface-address']}"
            out += f" > {n['neighbor-address']['neighbor-address']}"
        return out
    out = "prefix4 " + head + node_text(n["node-descriptors"]) + " " + n["ip-reach-prefix"]
    return out + f" route-type {n['ospf-route-type']}"


def bits(flags, names):
    """Flags by name, the first the highest."""
    return sum(0x80 >> i for i, name in enumerate(names) if flags.get(name))


def numbers(values):
    return " ".join(f"{v:.9g}" for v in values)


def attribute_texts(a):
    """Our texts of an attribute, made of ExaBGP's JSON, which is a list of pairs."""
    d, out = dict(a), set()
    simple = {
        "node-flags": lambda v: f"node flags 0x{bits(v, 'OTEBRV'):02x}",
        "node-name": lambda v: f'name "{v}"',
        "area-id": lambda v: f"IS-IS area {v}",
        "local-te-router-ids": lambda v: "local router " + " ".join(v),
        "remote-te-router-id": lambda v: f"remote router {v}",
        "sr-algorithms": lambda v: "SR algorithms " + " ".join(map(str, v)),
        "admin-group-mask": lambda v: f"admin group 0x{v[0]:08x}",
        "maximum-link-bandwidth": lambda v: f"max bandwidth {v:.9g}",
        "maximum-reservable-link-bandwidth": lambda v: f"reservable bandwidth {v:.9g}",
        "unreserved-bandwidth": lambda v: "unreserved bandwidth " + numbers(v),
        "te-metric": lambda v: f"TE metric {v}",
        "igp-metric": lambda v: f"IGP metric {v}",
        "shared-risk-link-groups": lambda v: "SRLG " + " ".join(map(str, v)),
        "igp-flags": lambda v: f"IGP flags 0x{bits(v, 'DNLP'):02x}",
        "prefix-metric": lambda v: f"metric {v}",
    }
    for name, value in a:
        if name in simple:
            out.add(simple[name](value))
    if "sr-capability-flags" in d:
        ranges = " ".join(f"{first}-{first + size - 1}" for size, first in d["sids"])
        out.add(f"SR capabilities flags 0x{bits(d['sr-capability-flags'], 'IV'):02x} {ranges}")
    if "sr-adj-flags" in d: # of an adjacency of OSPF: read as IS-IS, but the same bits
        label = int(d["undecoded-sids"][0], 16)
        out.add(f"adjacency SID label {label} flags 0x{bits(d['sr-adj-flags'], 'FBVLSP'):02x}")
    if "sr-prefix-flags" in d:
        out.add(f"prefix SID index {d['sids'][0]} flags 0x{bits(d['sr-prefix-flags'], 'RNPEVL'):02x}")
    return out, {NOT_KNOWN[v] for k, v in a if k == "attribute-not-implemented"}


def read_json(path):
    """NLRI text to attributes, and whether End-of-RIB came. Keys of attributes may be there twice."""
    told, ended = {}, False
    with open(path) as file:
        for line in file:
            message = json.loads(line, object_pairs_hook=lambda pairs: pairs if any(
                k == "attribute-not-implemented" for k, _ in pairs) else dict(pairs))
            if message["type"] != "update":
                continue
            body = message["neighbor"]["message"]
            if "eor" in body:
                ended = True
                continue
            for nlris in body["update"]["announce"]["bgp-ls bgp-ls"].values():
                for nlri in nlris:
                    a = body["update"]["attribute"]["bgp-ls"]
                    told[nlri_text(nlri)] = attribute_texts(list(a.items()) if isinstance(a, dict) else a)
    return told, ended


def compare(speaker, path, expected):
    def arrived(_):
        try:
            told, ended = read_json(path)
        except (FileNotFoundError, json.JSONDecodeError): # not yet, or the middle of a line
            return None
        return told if ended else None

    told = speaker.wait("JSON of ExaBGP", arrived, 40)
    n = 0
    for line in [x for x in speaker.lines if x.startswith("> ")]:
        _, _, nlri, attributes = fields(line)
        nlri = nlri.split(" ids ")[0]
        known, unknown = told[nlri]
        ours = {part for part in attributes.split(", ")}
        rest = {part for part in ours if not any(part.startswith(name) for name in unknown)}
        if known != rest:
            raise SystemExit(f"{nlri}: ExaBGP says {sorted(known - rest)}, we {sorted(rest - known)}")
        n += len(known)
    check(f"ExaBGP's JSON of {len(told)} NLRI and {n} TLVs is what we decode", len(told) == expected)


def run(test, name, passive, speaker_arguments, env):
    out = f"{test.directory}/{name}.json"
    config = CONFIG.format(python="/usr/bin/python3", script=test.write("dump.py", DUMP), out=out,
                           passive="passive;" if passive else "")
    env = {f"exabgp.{key}": value for key, value in env.items()}
    env |= {"exabgp.daemon.user": "root", "exabgp.api.cli": "false"}
    peer = test.start(name, ["exabgp", test.write(name + ".conf", config)], env=env, stdin=None)
    speaker = test.speaker(name + "-speaker", *speaker_arguments)
    speaker.wait_line("up AS 65001")
    speaker.wait_line("complete 0")
    compare(speaker, out, 14)
    check("our speaker ends well", speaker.end() == 0)
    peer.kill(15)


def main():
    skip_without("exabgp", "tshark", "tcpdump")
    port, other = free_port(), free_port("127.0.0.12")
    with Test() as test:
        capture = test.capture(port, other)
        run(test, "connects", False,
            [f"127.0.0.1:{port}", "65000", "10.0.0.21", "127.0.0.12=65001", "ring=3"],
            {"tcp.port": str(port)})
        run(test, "listens", True, ["-", "65000", "10.0.0.21", f"127.0.0.12:{other}=65001", "ring=3"],
            {"tcp.bind": "127.0.0.12", "tcp.port": str(other)})
        judge(*capture, [port, other], ["127.0.0.1"], 3, 2)  # NOTIFICATIONs


main()
