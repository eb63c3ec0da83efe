"""FTP: in each frame the verbs of commands that we know, or the first reply's code, which is what tshark tells."""
from readings import flat, numbers, own, tshark

FOLDER = "it"  # of the captures
KNOWN = set("""USER PASS ACCT QUIT RETR STOR STOU APPE DELE RNFR RNTO MKD RMD CWD CDUP PWD LIST NLST MLSD MLST SIZE MDTM SYST FEAT STAT
HELP SITE PORT EPRT PASV EPSV TYPE AUTH ADAT PBSZ PROT NOOP ABOR REST OPTS MODE STRU REIN ALLO""".split())


def theirs(capture):
    for f in tshark(capture, "ftp", ("ftp.request.command", "ftp.response.code")):
        verbs = [v for v in f["ftp.request.command"].upper().split(",") if v in KNOWN][:1]
        codes = numbers(f["ftp.response.code"])[:1]
        if verbs or codes:
            yield int(f["frame"]), 1, (verbs, codes)


last = None


def is_ours(message):
    """The first of its frame."""
    global last
    key = message["frame"], message["time"]
    told = any("verb" in o or "code" in o for o in message["fields"])
    first = told and key != last
    last = key if told else last
    return first


def of_ours(messages):
    return [v.upper() for v in flat(own(messages, "verb"))], own(messages, "code")
