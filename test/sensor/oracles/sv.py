"""Sampled Values: header, stream, counter, and each value with its quality."""
from readings import flat, numbers, own, tshark

FOLDER = "sv"  # of the captures

NUMBERS = ("appid", "length", "noASDU", "smpCnt", "confRev", "smpSynch", "smpRate", "meas_value", "meas_quality")
OURS = ("appid", "length", "asdus", "smp-cnt", "conf-rev", "smp-synch", "smp-rate", "value", "quality")


def theirs(capture):
    columns = [f"sv.{n}" for n in NUMBERS + ("svID", "datSet")]
    for f in tshark(capture, "sv", columns, ("-o", "sv.decode_data_as_phsmeas:TRUE")):
        record = [numbers(f[f"sv.{n}"]) for n in NUMBERS]
        yield int(f["frame"]), len(record[0]), (record, f["sv.svID"], f["sv.datSet"])


def of_ours(messages):
    return [flat(own(messages, name)) for name in OURS], ",".join(own(messages, "sv-id")), ",".join(own(messages, "dat-set"))
