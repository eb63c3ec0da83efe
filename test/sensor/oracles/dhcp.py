"""DHCP: header, message type, and the options that say who a host is and what it is given."""
from readings import flat, numbers, own, tshark

FOLDER = ["it", "profinet"]  # of the captures

NUMBERS = ("type", "hops", "id", "secs", "option.option_overload", "option.ip_address_lease_time", "option.renewal_time_value",
           "option.rebinding_time_value", "option.dhcp_max_message_size", "option.request_list_item", "fqdn.flags")
OUR_NUMBERS = ("operation", "hops", "xid", "seconds", "overload", "lease", "renewal", "rebinding", "message-max",
               "requested-list", "fqdn-flags")
TEXTS = ("ip.client", "ip.your", "ip.server", "ip.relay", "hw.mac_addr", "server", "file", "option.hostname",
         "option.vendor_class_id", "option.requested_ip_address", "option.dhcp_server_id", "option.subnet_mask", "option.router",
         "option.domain_name_server", "option.domain_name", "option.ntp_server", "option.message", "fqdn.name",
         "option.agent_information_option.agent_circuit_id", "option.agent_information_option.agent_remote_id")
OUR_TEXTS = (("client-ip",), ("your-ip",), ("next-server",), ("relay-ip",), ("client-mac",), ("server-name",), ("file",),
             ("host-name", "given-name"), ("vendor-class",), ("requested-ip",), ("server-id",), ("mask",), ("router",), ("dns-server",),
             ("domain",), ("ntp-server",), ("message",), ("fqdn", "given-fqdn"), ("circuit-id",), ("remote-id",))


def text(value):
    return "".join(c for c in value if c.isascii() and (c.isalnum() or c in ".,-: "))


def number(name, value):
    """Some clients (Windows) count seconds in the other byte order: tshark turns them round, we do not."""
    return [n >> 8 if name == "secs" and n & 0xff == 0 else n for n in numbers(value)]


def theirs(capture):
    columns = [f"dhcp.{n}" for n in NUMBERS + TEXTS] + ["dhcp.option.dhcp"]
    for f in tshark(capture, "dhcp", columns):
        f["dhcp.hw.mac_addr"] = f["dhcp.hw.mac_addr"].split(",")[0]  # the second is of the client identifier
        texts = ["" if f[f"dhcp.{n}"] == "0.0.0.0" else text(f[f"dhcp.{n}"]) for n in TEXTS]
        if f["dhcp.option.dhcp"]:
            yield int(f["frame"]), 1, (numbers(f["dhcp.option.dhcp"]), [number(n, f[f"dhcp.{n}"]) for n in NUMBERS], texts)
        else:
            yield int(f["frame"]), 1, ([256 + int(f["dhcp.type"])], [number(n, f[f"dhcp.{n}"]) for n in NUMBERS], texts)


def of_ours(messages):
    def values(name):
        of = flat(own(messages, name))
        if name == "seconds":
            return number("secs", ",".join(map(str, of)))
        return list(bytes.fromhex("".join(of))) if name == "requested-list" else of
    return ([m["function"] for m in messages], [values(name) for name in OUR_NUMBERS],
            [text(",".join(v for name in names for v in values(name))) for names in OUR_TEXTS])
