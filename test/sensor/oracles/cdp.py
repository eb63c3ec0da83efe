"""CDP: device, port, platform, software, addresses, capabilities, VLANs."""
from readings import flat, numbers, own, tshark

FOLDER = ["bsap", "enip-cip"]  # of the captures


def theirs(capture):
    columns = ("cdp.version", "cdp.ttl", "cdp.capabilities", "cdp.native_vlan", "cdp.deviceid", "cdp.portid", "cdp.platform",
               "cdp.software_version", "cdp.nrgyz.ip_address")
    for f in tshark(capture, "cdp", columns):
        yield int(f["frame"]), 1, ([numbers(f[n]) for n in columns[:4]],
                                   ["".join(c for c in f[n].replace("\\n", "") if c.isalnum()) for n in columns[4:8]])


def of_ours(messages):
    return ([own(messages, n) for n in ("version", "ttl", "capabilities", "native-vlan")],
            ["".join(c for c in ",".join(flat(own(messages, n))) if c.isalnum()) for n in ("device", "port", "platform", "software")])
