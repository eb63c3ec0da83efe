"""Telnet: options that are negotiated; tshark tells of subnegotiations what is in them by the same field, which is left out."""
from readings import numbers, own, tshark

FOLDER = "it"  # of the captures


def theirs(capture):
    for f in tshark(capture, "telnet", ("telnet.cmd", "telnet.subcmd")):
        commands = [n for n in numbers(f["telnet.cmd"]) if 250 <= n <= 254]
        yield int(f["frame"]), 1, (commands, [] if 250 in commands else numbers(f["telnet.subcmd"]))


def of_ours(messages):
    commands = own(messages, "command")
    return commands, [] if 250 in commands else own(messages, "option")
