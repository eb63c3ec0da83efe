"""SSH: banners, key exchange offers and their fingerprints."""
from readings import numbers, own, tshark

FOLDER = ["it"]  # of the captures
MARK = b"SSH-"
LISTS = ("kex_algorithms", "server_host_key_algorithms", "encryption_algorithms_client_to_server", "encryption_algorithms_server_to_client",
         "mac_algorithms_client_to_server", "mac_algorithms_server_to_client")
OURS = ("kex", "host-keys", "ciphers-to-server", "ciphers-to-client", "macs-to-server", "macs-to-client")


def theirs(capture):
    columns = ("ssh.protocol", "ssh.kex.hassh", "ssh.kex.hasshserver", *(f"ssh.{n}" for n in LISTS))
    for f in tshark(capture, "ssh.protocol || ssh.message_code == 20", (*columns, "ssh.message_code")):
        n = (f["ssh.protocol"] != "") + numbers(f["ssh.message_code"]).count(20)
        yield int(f["frame"]), n, [f[c].rstrip("\r\\n") for c in columns]


def is_ours(m):
    return m["function"] in (20, 0x100)


def of_ours(messages):
    banners = ["SSH-" + "-".join((o["version"], o["software"])) + (" " + o["comment"] if "comment" in o else "")
               for m in messages for o in m["fields"] if "software" in o]
    return [",".join(banners), *(",".join(own(messages, n)) for n in ("hassh", "hassh-server", *OURS))]
