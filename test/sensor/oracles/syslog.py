"""syslog: facility, severity, host, program of the standard's form, text."""
from readings import numbers, own, tshark

FOLDER = "it"  # of the captures


def theirs(capture):
    for f in tshark(capture, "syslog", ("syslog.facility", "syslog.level", "syslog.msg")):
        yield int(f["frame"]), 1, (numbers(f["syslog.facility"]), numbers(f["syslog.level"]))


def of_ours(messages):
    return own(messages, "facility"), [m["function"] for m in messages if m["function"] < 8]
