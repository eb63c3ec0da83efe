"""BACnet/IP: virtual link, networks, services, objects, properties, and who devices are."""
from itertools import groupby

from readings import flat, numbers, own, tshark

FOLDER = "bacnet"  # of the captures

COLUMNS = ("bvlc.function", "bacnet.dnet", "bacnet.snet", "bacapp.type", "bacapp.confirmed_service", "bacapp.unconfirmed_service",
           "bacapp.invoke_id", "bacapp.who_is.low_limit")
OBJECTS = ("bacapp.objectType", "bacapp.instance_number", "bacapp.property_identifier")


def once(values):
    return [v for v, _ in groupby(values)]


def theirs(capture):
    columns = (*COLUMNS, *OBJECTS, "bacapp.vendor_identifier", "bacapp.object_name")
    for f in tshark(capture, "bvlc", columns):
        record = [numbers(f[c]) for c in COLUMNS]
        objects = [once(numbers(f[c])) for c in OBJECTS]
        names = [n for n in f["bacapp.object_name"].split(",") if n and n.isascii()]
        yield int(f["frame"]), len(record[0]), (record, objects, numbers(f["bacapp.vendor_identifier"]), names)


def walk(messages, names):
    values = [v for m in messages for o in m["fields"] for n, v in o.items() if n in names]
    return once([v for value in values for v in (value if isinstance(value, list) else [value])])


def of_ours(messages):
    def service(types):
        return own([m for m in messages if m["fields"][0].get("apdu") in types], "service")

    networks = flat(own(messages, "destination-network") + own(messages, "network"))
    record = [own(messages, "bvlc"), networks, own(messages, "source-network"), own(messages, "apdu"),
              service((0, 2, 3, 5)), service((1,)), own(messages, "invoke"), own(messages, "low")]
    objects = [walk(messages, ("object-type", "value-type")), walk(messages, ("instance", "value-instance")),
               walk(messages, ("property",))]
    there = [m for m in messages if m["function"] in (0x101, 0x107)]
    names = [o["text"] for m in messages for o in m["fields"] if o.get("property") == 77 and "text" in o]
    names = [n for n in own(there, "name") + names if n.isascii()]
    return record, objects, own([m for m in messages if m["function"] in (0x100, 18, 0x104)], "vendor"), names
