"""GOOSE: header, control block, numbers and the values of the data set, by their types."""
import datetime

from readings import Real, flat, numbers, own, tshark

FOLDER = "goose"  # of the captures

TEXTS = ("gocbRef", "datSet", "goID")
NUMBERS = ("appid", "length", "timeAllowedtoLive", "stNum", "sqNum", "simulation", "confRev", "ndsCom", "numDatSetEntries",
           "boolean", "unsigned")
OURS = ("appid", "length", "time-allowed-to-live", "st-num", "sq-num", "simulation", "conf-rev", "nds-com", "entries",
        "boolean", "unsigned")
BCD, BOOLEAN_ARRAY = 13, 14  # of the types: tshark has fields of their own for them


def microseconds(text):
    """Microseconds since 1970: tshark cuts nanoseconds off, we round them."""
    if text.endswith("Z"):
        day, fraction = text.rstrip("Z").split(".")
        at = datetime.datetime.fromisoformat(day)
    else:
        day, fraction = text.removesuffix(" UTC").split(".")
        at = datetime.datetime.strptime(day, "%b %d, %Y %H:%M:%S")
    whole = (at - datetime.datetime(1970, 1, 1)) // datetime.timedelta(seconds=1)
    return whole * 1000000 + round(int(fraction) / 1000)


def times(text):
    """tshark puts commas between them, and into each."""
    parts = text.split(",") if text else []
    return [microseconds(f"{day},{rest}") for day, rest in zip(parts[::2], parts[1::2])]


def theirs(capture):
    columns = [f"goose.{n}" for n in NUMBERS + TEXTS + ("t", "integer", "bcd", "bit_string", "booleanArray", "float_value", "utc_time")]
    for f in tshark(capture, "goose.goosePdu_element", columns):
        record = [numbers(f[f"goose.{n}"]) for n in NUMBERS]
        texts = [f[f"goose.{n}"] for n in TEXTS]
        reals = [Real(v) for v in f["goose.float_value"].split(",") if v]
        integers = [numbers(f[f"goose.{n}"]) for n in ("integer", "bcd")]
        bits = [b for n in ("bit_string", "booleanArray") for b in f[f"goose.{n}"].split(",") if b]
        yield int(f["frame"]), max(1, len(record[0])), (record, texts, integers, reals, bits, times(f["goose.t"]), times(f["goose.utc_time"]))


def octets(bits, count):
    """A bit string as it stands on the wire, but for the bits that are not used."""
    n = (count + 7) // 8
    return f"{bits << n * 8 - count:0{2 * n}x}"


def of_ours(messages):
    record = [flat(own(messages, name)) for name in OURS]
    texts = [",".join(own(messages, name)) for name in ("gocb-ref", "dat-set", "go-id")]
    integers = [flat(by_type(messages, "integer", lambda t: t != BCD)), flat(by_type(messages, "integer", lambda t: t == BCD))]
    bits = []
    for wanted in (lambda t: t != BOOLEAN_ARRAY, lambda t: t == BOOLEAN_ARRAY):
        bits += [octets(b, n) for b, n in zip(*(flat(by_type(messages, name, wanted)) for name in ("bits", "bit-count"))) if n]
    reals = [Real(v) for v in flat(own(messages, "real"))]
    return (record, texts, integers, reals, bits, [microseconds(t) for t in own(messages, "t")],
            [microseconds(t) for t in flat(own(messages, "time"))])


def by_type(messages, name, wanted):
    return [o[name] for m in messages for o in m["fields"] if name in o and wanted(o["type"])]
