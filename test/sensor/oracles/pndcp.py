"""PROFINET DCP: service, transaction, options and the values that say who a device is."""
from readings import flat, numbers, own, tshark

FOLDER = "profinet"  # of the captures
PROTOCOL = "profinet"

NUMBERS = ("service_id", "xid", "option", "suboption_vendor_id", "suboption_device_id", "suboption_device_role")
TEXTS = ("suboption_device_nameofstation", "suboption_device_devicevendorvalue", "suboption_ip_ip", "suboption_ip_subnetmask",
         "suboption_ip_standard_gateway")
OURS = ("name-of-station", "device-vendor", "ip", "netmask", "gateway")


def theirs(capture):
    for f in tshark(capture, "pn_dcp", [f"pn_dcp.{n}" for n in NUMBERS + TEXTS]):
        record = [numbers(f[f"pn_dcp.{n}"]) for n in NUMBERS]
        yield int(f["frame"]), len(record[0]), (record, [f[f"pn_dcp.{n}"] for n in TEXTS])


def of_ours(messages):
    record = [[m["function"] for m in messages], own(messages, "xid"), options(messages),
              own(messages, "vendor-id"), own(messages, "device-id"), own(messages, "role")]
    return record, [",".join(own(messages, name)) for name in OURS]


def options(messages):
    """Those of the blocks, and those that are named in a block."""
    named = [o.get(name, []) for m in messages for o in m["fields"] for name in ("option", "device-option", "response-option")]
    return [o >> 8 for o in flat(named)]


def is_ours(message):
    """Of all that PROFINET is, what this looks at."""
    return message["function"] < 0x100
