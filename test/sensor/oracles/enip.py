"""EtherNet/IP and CIP: packets, items, services, paths, status, and who devices are."""
from readings import numbers, own, tshark

FOLDER = "enip-cip"  # of the captures

PACKET = ("enip.command", "enip.session", "enip.status", "enip.cpf.typeid")
CIP = ("cip.rr", "cip.sc", "cip.class", "cip.instance", "cip.attribute", "cip.genstat")
LISTED = ("enip.lir.vendor", "enip.lir.devtype", "enip.lir.prodcode", "enip.lir.revision", "enip.lir.status", "enip.lir.serial",
          "enip.lir.state")
TOLD = ("cip.id.vendor_id", "cip.id.device_type", "cip.id.product_code", "cip.id.major_rev", "cip.id.minor_rev", "cip.id.status",
        "cip.id.serial_number")
NAMES = ("enip.lir.name", "cip.id.product_name")


def theirs(capture):
    columns = (*PACKET, *CIP, *LISTED, *TOLD, *NAMES, "enip.fwd_open_in")
    for f in tshark(capture, "enip || cip || cipio", columns):
        packet = tuple(numbers(f[c]) for c in PACKET)
        services, answers = numbers(f["cip.sc"]), numbers(f["cip.rr"])
        if len(answers) != len(services):  # it tells that of the Connection Manager's twice
            answers = [answers[0]] * len(services) if len(set(answers)) == 1 else answers
        paths = [sorted(numbers(f["cip.class"])), sorted(numbers(f["cip.instance"]))]
        opened = len([s for s, a in zip(services, answers) if s in (0x4e, 0x54) and 6 in paths[0] and (a or paths[0].count(2) > 1)])
        for _ in range(len(numbers(f["enip.fwd_open_in"])) + opened):  # it repeats the path of the connection with each message
            if 2 in paths[0]:
                paths[0].remove(2)
                paths[1].remove(1)
        attributes = numbers(f["cip.attribute"]) if not any(answers) else None
        names = [n for c in NAMES for n in f[c].split(",") if n]
        carry = len([i for i in packet[3] if i in (0xb1, 0xb2)]) if packet[0] else 0
        n = len(services) + max(len(packet[0]), 1) - carry
        identity = [numbers(f[c]) for c in (*LISTED, *TOLD)]
        yield int(f["frame"]), n, (packet, answers, services, paths, attributes, numbers(f["cip.genstat"]), identity, names)


def of_ours(messages):
    first = [m for m in messages if not m["fields"][0].get("depth")]
    cip = [m for m in messages if "service" in m["fields"][0]]
    listed = [m for m in messages if m["function"] == 0x1000063]
    told = [m for m in cip if m["kind"] == "response"]
    packet = (own(first, "encapsulation"), own(first, "session"), own(first, "encapsulation-status"), flat_own(first, "item"))
    answers = [int(m["kind"] in ("response", "refusal")) for m in cip]
    paths = [sorted(flat_own(cip, "class")), sorted(flat_own(cip, "instance"))]
    sent = len([m for m in cip if m["kind"] != "request" and "route-port" in m["fields"][0]])
    paths = [sorted(paths[0] + [6] * sent), sorted(paths[1] + [1] * sent)]  # it tells that of the Unconnected Send, too
    attributes = None if any(answers) else [a for m in cip for n in ("attribute", "listed-attribute") for a in flat_own([m], n)]
    status = [m.get("error", 0) for m, a in zip(cip, answers) if a]
    revision = [o["major-revision"] << 8 | o["minor-revision"] for m in listed for o in m["fields"] if "vendor" in o]
    identity = [own(listed, n) for n in ("vendor", "device-type", "product-code")] + [revision] + \
               [own(listed, n) for n in ("device-status", "serial", "state")] + \
               [own(told, n) for n in ("vendor", "device-type", "product-code", "major-revision", "minor-revision",
                                       "device-status", "serial")]
    return (packet, answers, [m["fields"][0]["service"] for m in cip], paths, attributes, status, identity,
            own(messages, "product-name"))


def flat_own(messages, name):
    return [v for value in own(messages, name) for v in (value if isinstance(value, list) else [value])]
