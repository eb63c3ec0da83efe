"""SNMP: version, community, PDU, request, error, the header of version 3, and every variable with its value."""
from readings import flat, numbers, own, tshark

FOLDER = ["it", "goose"]  # of the captures

NUMBERS = ("engineid.enterprise", "msgAuthoritativeEngineBoots", "msgAuthoritativeEngineTime", "request_id", "non_repeaters",
           "max_repetitions", "generic_trap", "specific_trap", "time_stamp")
OUR_NUMBERS = ("engine-enterprise", "engine-boots", "engine-time", "request-id", "non-repeaters", "max-repetitions", "trap-generic",
               "trap-specific", "trap-time")
TEXTS = ("community", "msgUserName", "msgAuthoritativeEngineID", "engineid.mac", "contextName", "enterprise", "agent_addr")
OUR_TEXTS = ("community", "user", "engine", "engine-mac", "context", "trap-enterprise", "trap-agent")
VALUES = ("value.int", "value.counter", "value.g32", "value.u32", "value.timeticks", "value.ipv4", "value.oid", "value.octets")


def theirs(capture):
    columns = [f"snmp.{n}" for n in NUMBERS + TEXTS + VALUES] + ["snmp.version", "snmp.msgVersion", "snmp.data", "snmp.name",
                                                                 "snmp.error_status", "_ws.malformed"]
    for f in tshark(capture, "snmp", columns):
        f = {name: value.replace("<MISSING>", "") for name, value in f.items()}  # of no octets
        engine = f["snmp.msgAuthoritativeEngineID"]
        enterprise = numbers(f["snmp.engineid.enterprise"])[:1] if engine else []  # the second is of the context
        head = (numbers(f["snmp.version"] or f["snmp.msgVersion"]), numbers(f["snmp.data"]),
                [n for n in numbers(f["snmp.error_status"]) if n])
        yield int(f["frame"]), 1, (head, [enterprise] + [numbers(f[f"snmp.{n}"]) for n in NUMBERS[1:]],
                                   [f[f"snmp.{n}"].split(",")[0] for n in TEXTS], f["snmp.name"],
                                   [f[f"snmp.{n}"] for n in VALUES])


def of_ours(messages):
    def listed(name, type_=None):
        return ",".join(str(o[name]) for m in messages for o in m["fields"] if name in o and (type_ is None or o.get("type") in type_))
    octets = ",".join(o["octets"] if "octets" in o else o["text"].encode("latin-1").hex() for m in messages for o in m["fields"]
                      if o.get("type") == 4)
    functions = [m["function"] - 0xa0 for m in messages if m["function"] < 0x100]
    head = (own(messages, "version"), functions, [m["error"] for m in messages if "error" in m])
    return (head, [flat(own(messages, n)) for n in OUR_NUMBERS],
            [",".join(map(str, own(messages, n))) for n in OUR_TEXTS], listed("oid"),
            [listed("int"), listed("uint", [0x41, 0x46]), listed("uint", [0x42]), listed("uint", [0x47]), listed("uint", [0x43]),
             listed("ip", [0x40]), listed("object-id"), octets])
