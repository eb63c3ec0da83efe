"""LLDP: chassis, port, time to live, names, capabilities, management addresses."""
from readings import flat, numbers, own, tshark

FOLDER = ["bsap", "enip-cip", "profinet"]  # of the captures

NUMBERS = ("chassis.subtype", "port.subtype", "time_to_live", "tlv.system_cap", "tlv.enable_system_cap", "mgn.interface.number",
           "profinet.rtc2_port_status", "profinet.rtc3_port_status", "ieee.802_1.port_vlan.id", "media.subtype.class")
TEXTS = ("chassis.id.mac", "port.id.mac", "port.id", "port.desc", "tlv.system.name", "tlv.system.desc", "mgn.addr.ip4",
         "media.hardware", "media.firmware", "media.software", "media.sn", "media.manufacturer", "media.model", "media.asset",
         "profinet.cm_mac_add")
OUR_NUMBERS = ("chassis-subtype", "port-subtype", "ttl", "capabilities", "enabled-capabilities", "interface", "rtc2-status",
               "rtc3-status", "pvid", "med-class")
OUR_TEXTS = ("chassis-mac", "port-mac", "port-id", "port-description", "system-name", "system-description", "management-ip",
             "hardware", "firmware", "software", "serial", "manufacturer", "model", "asset", "station-mac")


def theirs(capture):
    for f in tshark(capture, "lldp", [f"lldp.{n}" for n in NUMBERS + TEXTS]):
        yield int(f["frame"]), 1, ([numbers(f[f"lldp.{n}"]) for n in NUMBERS], [f[f"lldp.{n}"].strip() for n in TEXTS])


def of_ours(messages):
    return ([flat(own(messages, name)) for name in OUR_NUMBERS],
            [",".join(flat(own(messages, name))).strip() for name in OUR_TEXTS])
