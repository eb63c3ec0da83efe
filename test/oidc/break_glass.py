#!/usr/bin/env python3
"""A sealed code at a site that trusts no identity provider. Prints a line per claim.

Usage: break_glass.py DIRECTORY-OF-PROGRAMS"""

import json
import pathlib
import sys

from site_parts import Person, Place, Site

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from tap import check, finish  # noqa: E402



def sealed(*names):
    status, document = sam.json("breakglass", "seal", *names, "--role", "OPERATOR")
    return document.get("code", "") + "\n"


def right_of(person):
    who = person.json("whoami")[1]
    return who.get("name"), who.get("right", {}).get("kind")


place = Place()
site = Site(place, sys.argv[1], {"sam": ["SECADM"], "olga": ["VIEWER"]})
try:
    sam = Person(site, "sam", certificate=True)
    code = sealed()
    check("sam seals a code", len(code) == 40, code)

    # ---- The certificate is in the environment
    console = Person(site, "console", certificate=True)
    check("a machine with a certificate alone is nobody", console.tieline("whoami")[0] == 1)
    status, out, err = console.tieline("login", "--break-glass", "--reason", "storm", given=code)
    check("the code opens a session", status == 0 and "break-glass/main" in out, (out, err))
    check("... that the next commands have", right_of(console) ==
          ("break-glass/main", "break-glass"), console.tieline("whoami"))
    status, out, err = console.tieline("logout")
    check("... until it is logged out", status == 0, (out, err))
    status, out, err = console.tieline("whoami")
    check("... and is nobody again", status == 1 and "nobody here is known as console" in err, err)

    # ---- In the configuration
    laptop = Person(site, "laptop", certificate=True)
    (laptop.home / ".config/tieline").mkdir(parents=True)
    (laptop.home / ".config/tieline/config.json").write_text(json.dumps(laptop.certificate))
    del laptop.environment["TIELINE_CERT"], laptop.environment["TIELINE_KEY"]
    status, out, err = laptop.tieline("login", "--break-glass", "--name", "spare",
                                      given=sealed("spare"))
    check("so does one with the certificate in its configuration", status == 0 and
          right_of(laptop) == ("break-glass/spare", "break-glass"), (out, err))

    # ---- What could not be kept, is not opened
    code = sealed("held")
    laptop.token_file.chmod(0o644)
    status, out, err = laptop.tieline("login", "--break-glass", "--name", "held", given=code)
    check("no code is used up for a session that cannot be kept", status == 1 and
          "others can read it" in err, err)
    laptop.token_file.chmod(0o600)
    status, out, err = laptop.tieline("login", "--break-glass", "--name", "held", given=code)
    check("... so it can be used then", status == 0, err)

    # ---- By an option, which goes before a session
    olga = Person(site, "olga", certificate=True)
    shown = ("--cert", olga.certificate["cert"], "--key", olga.certificate["key"])
    del olga.environment["TIELINE_CERT"], olga.environment["TIELINE_KEY"]
    status, out, err = olga.tieline("login", "--break-glass", "--name", "third", *shown,
                                    given=sealed("third"))
    check("or as an option", status == 0 and "break-glass/third" in out, (out, err))
    check("... with which she is herself", olga.json("whoami", *shown)[1]["name"] == "olga")

    # ---- None
    status, out, err = Person(site, "stranger").tieline("login", "--break-glass",
                                                        given=sealed("fourth"))
    check("without a certificate nobody gets as far as the code", status == 4 and
          "certificate" in err, (status, out, err))
finally:
    site.end()

finish()
