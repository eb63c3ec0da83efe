"""DNS, mDNS and LLMNR: header, names and types of questions and records, addresses, and the names that records lead to."""
from readings import flat, numbers, own, tshark

FOLDER = ["it", "profinet"]  # of the captures

NUMBERS = ("id", "flags.response", "flags.opcode", "flags.rcode", "flags.truncated", "count.add_rr", "qry.type", "resp.type", "resp.ttl", "resp.len", "srv.port", "mx.preference",
           "soa.serial_number")
COUNTS = (("count.queries", "count.zones"), ("count.answers", "count.prerequisites"), ("count.auth_rr", "count.updates"))
NAMES = ("qry.name", "resp.name", "cname", "ptr.domain_name", "mx.mail_exchange", "ns", "soa.mname", "soa.rname", "srv.target")
TYPES = NUMBERS.index("resp.type")


def types(numbers):
    """tshark gives those that a SIG, RRSIG or NSEC speaks of by the same name."""
    return [] if {24, 46, 47} & set(numbers) else numbers


def plain(names):
    """tshark writes what is no ASCII in several ways: such names, and those with a comma, are compared by being there."""
    simple = all(c.isalnum() or c in "-_.* /" for n in names for c in n)
    return sorted(n.strip(".").lower() for n in names) if simple else "others"


def split(text):
    return ["" if n == "<Root>" else n for n in text.split(",") if n != ""]


def theirs(capture):
    columns = [f"dns.{n}" for n in (*NUMBERS, *flat(map(list, COUNTS)), *NAMES, "a", "aaaa", "txt")]
    for f in tshark(capture, "(dns || mdns || llmnr) && !icmp && !icmpv6", columns):
        ids = numbers(f["dns.id"])
        record = [[int(t == "True") if t in ("True", "False") else int(t, 0) for t in f[f"dns.{n}"].split(",") if t] for n in NUMBERS]
        record += [numbers(f[f"dns.{one}"] or f[f"dns.{other}"]) for one, other in COUNTS]
        record[TYPES] = types(record[TYPES])
        names = [plain(split(f[f"dns.{n}"])) for n in NAMES]
        yield int(f["frame"]), len(ids), (record, names, f["dns.a"])


def rows(messages, types, name):
    return flat([o[name] for m in messages for o in m["fields"][1:] if o.get("type") in types and name in o])


def of_ours(messages):
    objects = [o for m in messages for o in m["fields"][1:] if "name" in o]
    asked, records = [o for o in objects if o["section"] == 0], [o for o in objects if o["section"] > 0]
    answers = [m for m in messages if m["kind"] != "request"]
    record = [own(messages, "id"), [int(m["kind"] != "request") for m in messages], [m["function"] for m in messages],
              [m.get("error", 0) & 15 for m in answers], [int(t) for t in own(messages, "truncated")],
              own(messages, "additionals"), [o["type"] for o in asked], types([o["type"] for o in records]), own(records and [{"fields": records}], "ttl"),
              [o["data-size"] for o in records if "data-size" in o], own(messages, "port"), rows(messages, (15,), "preference"), own(messages, "serial"),
              own(messages, "questions"), own(messages, "answers"), own(messages, "authorities")]
    names = [[o["name"] for o in asked], [o["name"] for o in records], rows(messages, (5,), "target"), rows(messages, (12,), "target"),
             rows(messages, (15,), "target"), rows(messages, (2,), "target"), rows(messages, (6,), "target"),
             rows(messages, (6,), "responsible"), rows(messages, (33,), "target")]
    return record, [plain(n) for n in names], ",".join(own(messages, "address"))
