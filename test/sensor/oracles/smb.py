"""SMB 1 to 3: commands, status, dialects, shares, files, sizes, and what NTLMSSP says of both sides."""
from readings import flat, numbers, own, tshark

FOLDER = ["it", "modbus"]  # of the captures
MARK = b"SMB"
SMB2 = ("smb2.cmd", "smb2.msg_id", "smb2.nt_status")
SMB1 = ("smb.mid", "smb.uid", "smb.tid")
NAMES = ("smb2.tree", "smb.native_os", "smb.native_lanman", "ntlmssp.auth.username", "ntlmssp.auth.domain", "ntlmssp.auth.hostname",
         "ntlmssp.challenge.target_info.nb_computer_name", "ntlmssp.challenge.target_info.dns_computer_name", "smb2.dialect")
OURS = ("path", "native-os", "native-lm", "user", "domain", "workstation", "computer", "dns-computer", "dialect")


def names(values):
    return [str(v) for v in values if str(v) not in ("", "NULL")]


def theirs(capture):
    for f in tshark(capture, "(smb || smb2) && tcp", ("smb.cmd", *SMB2, *SMB1, *NAMES)):
        smb2, smb1 = [numbers(f[n]) for n in SMB2], [numbers(f[n]) for n in SMB1]
        texts = [names(f[n].split(",")) for n in NAMES]
        chain = [n for n in numbers(f["smb.cmd"]) if n != 0xff]
        if 3 not in smb2[0] or smb2[2]:
            texts[0] = []  # it is told with all that follows, there
        texts[-1] = [str(int(n, 0)) for n in texts[-1]]
        yield int(f["frame"]), len(smb2[0]) + len(chain), (smb2, chain, smb1, texts)


def is_ours(m):
    return m["function"] < 0x200


def of_ours(messages):
    smb2 = [m for m in messages if m["function"] < 0x100]
    status = [m.get("error", m["fields"][0].get("status", 0)) for m in smb2 if m["kind"] != "request"]
    smb1 = [m for m in messages if m["function"] >= 0x100]
    heads = [m for i, m in enumerate(smb1) if not i or m["fields"][0]["message"] != smb1[i - 1]["fields"][0]["message"]]  # of chains
    ntlm = [m for m in messages if "ntlm-message" in m["fields"][0]]
    texts = [names(flat(own(messages if n.startswith("native") else ntlm, n))) for n in OURS]
    texts[0] = names(own(smb2, "path"))
    texts[-1] = names(flat(own(smb2, "dialect")))
    record = [[m["function"] for m in smb2], own(smb2, "message"), status]
    return record, [m["function"] - 0x100 for m in smb1], [own(heads, n) for n in ("message", "session", "tree")], texts
