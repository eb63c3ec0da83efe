/* All nouns and verbs. */
#include "cli/cmd.h"

/* clang-format off */
#define END {NULL, NULL, NULL, 0, false, false, NULL}
#define FLAG(name, help) {name, NULL, help, 0, false, false, NULL}
#define VALUE(name, value, help) {name, value, help, 0, false, false, NULL}
#define MANY(name, value, help) {name, value, help, 0, true, false, NULL}
#define CHOICE(name, value, words, help) {name, value, help, 0, false, false, words}
#define IN_FILE(name, value, letter, help) {name, value, help, letter, false, true, NULL}
/* clang-format on */

#define DRY_RUN FLAG("dry-run", "say what would change, and change nothing")
#define COMMENT VALUE("comment", "TEXT", "why, in your words")
#define UNTIL                                                                                      \
    CHOICE("until", "STATE", "submitted|waiting|closed",                                           \
           "follow it until it waits (the default) or is closed, or not at all")
#define NODE VALUE("node", "NAME", "ask this node, over the server")
#define CONTROL IN_FILE("control", "PATH", 0, "ask the node on this machine, by its socket")

static const struct cli_option common[] = {
    FLAG("json", "print the API's document"),
    FLAG("utc", "times in UTC instead of the local zone"),
    VALUE("url", "URL", "the server; or $TIELINE_URL"),
    IN_FILE("ca", "FILE", 0, "who vouches for the server; or $TIELINE_CA"),
    IN_FILE("cert", "FILE", 0, "your certificate; or $TIELINE_CERT"),
    IN_FILE("key", "FILE", 0, "its key; or $TIELINE_KEY"),
    VALUE("timeout", "DURATION", "how long to wait for an answer (11m)"),
    {"help", NULL, "what the command does", 'h', false, false, NULL},
    END,
};

static const struct cli_option login_options[] = {
    VALUE("issuer", "URL", "only if this is the provider that the server trusts"),
    FLAG("device", "with a code, for a browser on another machine"),
    IN_FILE("provider-ca", "FILE", 0, "with --device: who vouches for the provider"),
    FLAG("break-glass", "by a sealed code, which is read from the terminal or standard input"),
    VALUE("name", "NAME", "with --break-glass: which code (main)"),
    VALUE("reason", "TEXT", "with --break-glass: why, in your words"),
    END};
static const struct cli_option seal_options[] = {
    MANY("role", "ROLE", "that it gives; several: again"),
    VALUE("lasts", "DURATION", "how long its session lasts (1h)"), END};
static const struct cli_option list_options[] = {FLAG("names", "the names alone, a line each"),
                                                 END};
static const struct cli_option put_options[] = {
    IN_FILE("file", "FILE", 'f', "JSON: one object, a list, or an exported document"), DRY_RUN,
    END};
static const struct cli_option circuit_list_options[] = {
    CHOICE("phase", "PHASE", "proposed|reserved|building|built|active|removing",
           "only those in this phase"),
    FLAG("names", "the names alone, a line each"), END};
static const struct cli_option create_options[] = {
    IN_FILE("file", "FILE", 'f', "JSON: one circuit, a list, or what --save wrote"),
    VALUE("from", "HOST", "the client, or the publisher"),
    MANY("to", "HOST", "the server, or a subscriber (several: again, or with commas)"),
    CHOICE("protocol", "PROTOCOL", "tcp|udp|icmp|goose|sv", "what flows"),
    MANY("port", "PORT", "of the server, TCP and UDP (several: again, or with commas)"),
    VALUE("client-port", "PORT", "the port that the client must use"),
    VALUE("mac", "MAC", "group address of a multicast"),
    VALUE("appid", "APPID", "of a multicast, four hexadecimal digits"),
    VALUE("vlan", "ID", "of a multicast, 0 for a priority tag"),
    VALUE("vlan-priority", "0-7", "of a multicast"),
    VALUE("rate", "RATE", "committed rate: 64kbit/s, 2M"),
    VALUE("burst", "OCTETS", "let pass on top of it"),
    CHOICE("class", "CLASS", "bulk|engineering|scada|protection", "the queue it uses"),
    VALUE("max-latency", "DURATION", "what every path must keep: 10ms"),
    VALUE("max-asymmetry", "DURATION", "how far the directions' delays may be apart: 200us"),
    CHOICE("protection", "HOW", "none|maximal|link|node",
           "how far apart the failover path must be"),
    VALUE("start", "TIME", "in service from then on (2026-03-01T08:00:00Z; now)"),
    VALUE("end", "TIME", "until then"),
    VALUE("for", "DURATION", "or for so long: 2h"),
    VALUE("description", "TEXT", "what it is for"),
    FLAG("build", "submit the order that builds it, and follow that"),
    COMMENT,
    UNTIL,
    DRY_RUN,
    END,
};
static const struct cli_option names_options[] = {
    IN_FILE("file", "LIST", 'f', "a file with names, a line each"), COMMENT, UNTIL, END};
#define EARLIER VALUE("version", "N", "an earlier version, not what is stated now")
static const struct cli_option version_options[] = {EARLIER, END};
static const struct cli_option change_options[] = {EARLIER, COMMENT, UNTIL, END};
static const struct cli_option plan_options[] = {
    VALUE("plan", "NAME", "whose word it is: in place of what it said before (plan)"), END};
static const struct cli_option tree_options[] = {
    VALUE("rate-kbps", "N", "that each link has room for"),
    VALUE("max-latency-us", "N", "from the root to any leaf"),
    CHOICE("metric", "METRIC", "igp|te|delay|hops", "what its cost is counted in (igp)"),
    VALUE("priority", "N", "what those hold who hold it less firmly counts as free (7)"), END};
#define KEEP_PRIORITY                                                                              \
    VALUE("keep-priority", "N", "tunnels with a hold priority below (better than) this stay (1)")
#define AS_ORDER FLAG("order", "submit the order that computes it, has it approved, and moves them")
static const struct cli_option optimise_options[] = {KEEP_PRIORITY, AS_ORDER, COMMENT, UNTIL, END};
static const struct cli_option relieve_options[] = {
    VALUE("threshold", "PERCENT", "of what a link can have reserved (100)"),
    KEEP_PRIORITY,
    AS_ORDER,
    COMMENT,
    UNTIL,
    END};
static const struct cli_option drain_options[] = {
    VALUE("reason", "TEXT", "why, for the others"),
    FLAG("dry-run", "what would move, where to, and who cannot; changes nothing"),
    AS_ORDER,
    COMMENT,
    UNTIL,
    END};
static const struct cli_option test_options[] = {
    CHOICE("path", "PATH", "primary|failover", "only this path"), END};
static const struct cli_option what_if_options[] = {
    IN_FILE("file", "FILE", 'f', "JSON: one circuit or a list"),
    FLAG("changes", "also the rules that would change, per node"), END};
static const struct cli_option fit_options[] = {
    IN_FILE("file", "FILE", 'f', "JSON: one circuit or a list"),
    FLAG("orders", "also how many would fit in other orders"),
    FLAG("all", "also the circuits that fit"), END};
static const struct cli_option rules_options[] = {FLAG("planned", "what it should hold"),
                                                  FLAG("observed", "what it holds (the default)"),
                                                  FLAG("difference", "what is not the same"), END};
static const struct cli_option prove_options[] = {
    FLAG("observed", "what the nodes hold (the default)"),
    FLAG("planned", "what is planned for them"), END};
static const struct cli_option conditions_options[] = {FLAG("all", "also those that hold"), END};
static const struct cli_option import_options[] = {
    CHOICE("format", "FORMAT", "csv|json|scd", "otherwise by the names of the files"), DRY_RUN,
    IN_FILE("save", "FILE", 0, "put nothing in; write the circuits an SCD file proposes"), END};
static const struct cli_option export_options[] = {
    IN_FILE("dir", "DIR", 0, "where the files go; JSON goes to standard output without it"),
    CHOICE("format", "FORMAT", "csv|json", "csv if not said"), END};
static const struct cli_option model_options[] = {
    MANY("remove", "KIND:NAME", "take this out first, with all that cannot be without it"),
    MANY("fail", "KIND:NAME",
         "let this link, node or shared-risk fail; all that are named at once"),
    MANY("design", "CIRCUIT", "also this one, which is stated and has no design"),
    FLAG("redesign", "design all circuits anew"),
    FLAG("each-failure", "what each link, node and shared risk would take with it"),
    MANY("from", "FILE", "start from files, and ask no server"),
    END};
static const struct cli_option judge_options[] = {
    IN_FILE("topology", "FILE", 0, "of the Stanford format, whose updates FILE is then"),
    IN_FILE("vlans", "FILE", 0, "likewise"),
    VALUE("updates", "N", "only the first N of them"),
    VALUE("limit", "N", "so many findings of each kind at most (20)"),
    VALUE("depth", "LABELS", "how deep stacks may be (16)"),
    VALUE("memory", "MIB", "for tables, and as much for filters (2048)"),
    END};
static const struct cli_option work_list_options[] = {FLAG("open", "only those that are open"),
                                                      END};
static const struct cli_option work_show_options[] = {
    FLAG("changes", "also the rules that change, per node"), END};
static const struct cli_option approve_options[] = {
    VALUE("hash", "HASH", "what was looked at; anything else is refused"),
    VALUE("role", "ROLE", "in which role, if you hold several"),
    VALUE("step", "STEP", "of the order, if several ask"),
    COMMENT,
    FLAG("yes", "take the hash that the server shows, without asking"),
    END};
static const struct cli_option refuse_options[] = {
    VALUE("hash", "HASH", "what was looked at"), VALUE("role", "ROLE", "in which role"),
    VALUE("step", "STEP", "of the order, if several ask"), COMMENT, END};
static const struct cli_option comment_options[] = {COMMENT, END};
static const struct cli_option local_options[] = {
    COMMENT, VALUE("hours", "N", "not as long as the control centre allows"),
    FLAG("even-if-connected", "though the control centre can be reached"), END};
static const struct cli_option agree_options[] = {
    VALUE("hash", "HASH", "what was looked at; anything else is refused"), COMMENT, END};
static const struct cli_option submit_options[] = {
    IN_FILE("input", "FILE", 0, "JSON: what the workflow is started with"), COMMENT, UNTIL, END};
static const struct cli_option watch_options[] = {
    CHOICE("until", "STATE", "waiting|closed", "until it waits, or is closed (the default)"), END};
static const struct cli_option exception_list_options[] = {
    FLAG("all", "those that are closed, too"),
    CHOICE("state", "STATE", "open|acknowledged|closed", "only those"), END};
static const struct cli_option reason_options[] = {VALUE("reason", "TEXT", "why it is over"), END};
#define SENSOR_SITE VALUE("site", "NAME", "only what sensors of this site have told")
static const struct cli_option sensor_site_options[] = {SENSOR_SITE, END};
static const struct cli_option sensor_alerts_options[] = {
    FLAG("all", "those that are closed, too"),
    VALUE("since", "DURATION", "only what was seen in the last: 24h"),
    CHOICE("severity", "SEVERITY", "low|medium|high|critical", "only what is so severe, or more"),
    VALUE("rule", "NAME", "only of this rule"),
    VALUE("address", "ADDRESS", "only from or to this IP or MAC address"),
    VALUE("incident", "ID", "only of this incident"),
    VALUE("limit", "N", "at most so many (1000)"),
    SENSOR_SITE,
    END};
static const struct cli_option sensor_alert_options[] = {
    FLAG("stix", "as a STIX 2.1 bundle with a sighting"), SENSOR_SITE, END};
static const struct cli_option sensor_close_options[] = {
    VALUE("why", "TEXT", "why it needs no more attention"), SENSOR_SITE, END};
static const struct cli_option sensor_assets_options[] = {FLAG("csv", "as a table for others"),
                                                          SENSOR_SITE, END};
static const struct cli_option sensor_report_options[] = {
    VALUE("from", "TIME", "only from then on (2026-03-01T08:00:00Z), in whole ten minutes"),
    VALUE("to", "TIME", "only until then"),
    VALUE("since", "DURATION", "or only of the last: 24h"),
    FLAG("csv", "as tables for others, one behind the other"),
    IN_FILE("dir", "DIR", 0, "with --csv: a file for each table goes there"),
    END};
static const struct cli_option sensor_vulnerabilities_options[] = {
    VALUE("asset", "ADDRESS", "only of the device at this address"),
    VALUE("advisory", "ID", "only of this advisory"),
    VALUE("cve", "ID", "only what is about this: CVE-2026-0001"),
    FLAG("csv", "as a table for others"),
    VALUE("limit", "N", "at most so many (1000)"),
    SENSOR_SITE,
    END};
static const struct cli_option sensor_habits_options[] = {
    VALUE("address", "ADDRESS", "only of this IP or MAC address"),
    VALUE("sensor", "NAME", "only of this sensor"),
    FLAG("rules", "also how sure each detection is that something new is new"),
    VALUE("limit", "N", "at most so many pairs (1000)"),
    VALUE("site", "NAME", "of the sensors of this site, if not of this one"),
    END};
static const struct cli_option sensor_order_options[] = {
    VALUE("protocol", "NAME", "only of this protocol"),
    VALUE("function", "FUNCTION", "only of this function of it, by name or number"),
    VALUE("why", "TEXT", "why, in your words"),
    VALUE("sensor", "NAME", "which, if the site has several"),
    VALUE("site", "NAME", "of the sensors of this site, if not of this one"),
    END};
static const struct cli_option journal_list_options[] = {
    VALUE("type", "PREFIX", "what the type begins with: circuit."),
    VALUE("object", "OBJECT", "circuit/scada-a"),
    VALUE("actor", "NAME", "who made it"),
    VALUE("from", "SEQ", "the first"),
    VALUE("to", "SEQ", "the last"),
    VALUE("limit", "N", "at most so many"),
    FLAG("bodies", "with what is in them"),
    END,
};
static const struct cli_option journal_follow_options[] = {
    VALUE("type", "PREFIX", "what the type begins with"),
    VALUE("object", "OBJECT", "only about it"), VALUE("actor", "NAME", "only by them"),
    VALUE("from", "SEQ", "not from now on, but from there"), END};
#define CHECKPOINTS IN_FILE("checkpoints", "FILE", 0, "its checkpoints, if not PATH.checkpoints")
#define TRUSTED                                                                                    \
    IN_FILE("trust", "KEYS", 0, "public keys of sites and witnesses, one of `content key` a line")
static const struct cli_option verify_options[] = {
    IN_FILE("file", "PATH", 0,
            "the journal's file, a copy, or postgresql://...; in the lab, the lab's"),
    VALUE("head", "SEQ:HASH", "compare with what was kept elsewhere"), CHECKPOINTS, TRUSTED, END};
#define SIGNED_BY                                                                                  \
    IN_FILE("public", "PEM", 0, "the public key of who signed the checkpoint"),                    \
        VALUE("signer", "NAME", "their name")
#define SAVED IN_FILE("save", "FILE", 0, "where it goes; otherwise to standard output")
static const struct cli_option checkpoint_options[] = {
    IN_FILE("file", "PATH", 0, "the journal's file, a copy of it, or postgresql://..."),
    IN_FILE("secret", "PEM", 0, "the private key (Ed25519) to sign with"),
    VALUE("name", "NAME", "who signs"), SAVED, END};
static const struct cli_option evidence_options[] = {
    IN_FILE("file", "PATH", 0, "the journal's file, a copy of it, or postgresql://..."),
    IN_FILE("checkpoint", "NOTE", 0, "a signed checkpoint of it"),
    IN_FILE("older", "NOTE", 0, "an older one, which is to be what this one begins with"),
    SIGNED_BY,
    CHECKPOINTS,
    TRUSTED,
    SAVED,
    END};
static const struct cli_option check_options[] = {SIGNED_BY, TRUSTED, END};
static const struct cli_option countersign_options[] = {
    SIGNED_BY,
    IN_FILE("secret", "PEM", 0, "your private key (Ed25519)"),
    VALUE("name", "NAME", "yours"),
    FLAG("first", "you have signed no older checkpoint yet"),
    SAVED,
    END};
static const struct cli_option journal_export_options[] = {
    IN_FILE("file", "FILE", 0, "where the events go, a JSON object a line"), END};
#define VALID VALUE("valid", "DURATION", "how long it is good: 90d, 12h (365d)")
#define SITE_DIR IN_FILE("dir", "DIR", 0, "the centre's directory, or the site's")
#define SITE_PORT                                                                                  \
    VALUE("port", "PORT", "of the nats-server, on 127.0.0.1, for this site's own tielined (4222)")
#define FINGERPRINT VALUE("fingerprint", "SHA256", "what they told you it is; otherwise it asks")
static const struct cli_option site_init_options[] = {
    IN_FILE("dir", "DIR", 0, "a new directory"),
    VALUE("name", "SITE", "the control centre's own name (control-centre)"),
    VALUE("hub", "HOST:PORT", "where the sites reach it; several ways to it with commas"),
    VALUE("listen", "ADDRESS:PORT", "where it listens for them (0.0.0.0, the same port)"),
    SITE_PORT,
    IN_FILE("issuer", "PEM", 0, "the certificate of a CA that is there; otherwise one is made"),
    IN_FILE("issuer-key", "PEM", 0, "its private key"),
    VALID,
    END};
static const struct cli_option site_request_options[] = {
    IN_FILE("dir", "DIR", 0, "a new directory"), VALUE("name", "SITE", "the site's name"),
    MANY("addresses", "ADDRESS", "from where the hub will see it: 192.0.2.1, 192.0.2.0/24"),
    SITE_PORT, END};
static const struct cli_option site_enrol_options[] = {
    IN_FILE("dir", "DIR", 0, "the centre's directory"),
    IN_FILE("out", "FILE", 0, "where the bundle for the site goes"),
    FINGERPRINT,
    MANY("addresses", "ADDRESS", "it may come only from there; otherwise as the request says"),
    MANY("witness", "SITE", "a site that it may ask to countersign"),
    MANY("witness-for", "SITE", "a site that it countersigns for"),
    FLAG("replace", "the site is known, and has lost its keys or was revoked"),
    VALID,
    END};
static const struct cli_option site_install_options[] = {
    IN_FILE("dir", "DIR", 0, "the site's directory"), FINGERPRINT, END};
static const struct cli_option site_rotate_options[] = {SITE_DIR, VALID, END};
static const struct cli_option site_dir_options[] = {SITE_DIR, END};
#define SIGNS                                                                                      \
    IN_FILE("secret", "PEM", 0, "the private key (Ed25519)"),                                      \
        VALUE("signer", "NAME", "whose key it is")
static const struct cli_option content_sign_options[] = {
    SIGNS,
    VALUE("name", "NAME", "what it is: tieline-workflows"),
    VALUE("version", "VERSION", "for people"),
    VALUE("release", "N", "only grows: who has a newer one refuses it"),
    VALUE("not-after", "TIME", "it counts until then"),
    END};
static const struct cli_option content_verify_options[] = {
    IN_FILE("trust", "FILE", 0, "whose signatures count, a key of `content key` a line"),
    VALUE("name", "NAME", "what it must be"), VALUE("least", "N", "refuse an older release"), END};
static const struct cli_option content_key_options[] = {SIGNS, END};
static const struct cli_option lab_options[] = {
    VALUE("name", "NAME", "which lab, if there are several; or $TIELINE_LAB"), END};
static const struct cli_option edge_options[] = {NODE, CONTROL, END};
static const struct cli_option queues_options[] = {
    NODE, CONTROL, VALUE("port", "PORT", "only of this one"),
    VALUE("set", "TEXT", "share it so from now on (rate=10M,q0=weight:1); over --control"), END};
static const struct cli_option stats_options[] = {
    NODE, CONTROL, FLAG("all", "zeros, too"),
    FLAG("openmetrics", "everything, as OpenMetrics text"), END};
static const struct cli_option top_options[] = {
    NODE,
    CONTROL,
    VALUE("count", "N", "so many times, then end"),
    FLAG("once", "one time"),
    VALUE("interval", "DURATION", "how long to look, 100ms to 8s (1s)"),
    VALUE("rows", "N", "flows and groups to show (20)"),
    CHOICE("by", "WHAT", "bits|packets|used", "which flows come first"),
    VALUE("cookie", "COOKIE", "only flows with this cookie"),
    VALUE("table", "N", "only flows of this table"),
    END};
static const struct cli_option trace_options[] = {
    NODE,
    CONTROL,
    VALUE("in-port", "PORT", "the port it arrives at"),
    VALUE("hex", "FRAME", "the frame in hexadecimal digits"),
    IN_FILE("pcap", "FILE[:N]", 0, "the first, or Nth, packet of a capture"),
    VALUE("eth-src", "MAC", "or fields: addresses"),
    VALUE("eth-dst", "MAC", ""),
    VALUE("eth-type", "TYPE", "0x88ba"),
    VALUE("vlan", "ID", ""),
    VALUE("vlan-priority", "0-7", ""),
    VALUE("ipv4-src", "ADDRESS", ""),
    VALUE("ipv4-dst", "ADDRESS", ""),
    VALUE("ip-proto", "NUMBER", ""),
    VALUE("ip-dscp", "NUMBER", ""),
    VALUE("tcp-src", "PORT", ""),
    VALUE("tcp-dst", "PORT", ""),
    VALUE("udp-src", "PORT", ""),
    VALUE("udp-dst", "PORT", ""),
    VALUE("icmp-type", "TYPE", "8, an echo request, if not said"),
    VALUE("arp-spa", "ADDRESS", "who asks"),
    VALUE("arp-tpa", "ADDRESS", "for whom"),
    VALUE("appid", "APPID", "of a GOOSE message"),
    VALUE("size", "OCTETS", "of the frame, at least"),
    END,
};
static const struct cli_option capture_options[] = {
    NODE,
    CONTROL,
    IN_FILE("file", "FILE", 'f', "where the packets go, as pcapng; - or a pipe: standard output"),
    MANY("port", "PORT", "only there: a number, LOCAL or CONTROLLER (several: again)"),
    CHOICE("direction", "WHICH", "in|out|both", "only what comes in, or goes out"),
    VALUE("match", "FIELDS", "only those: tcp-dst=502,ipv4-src=10.0.0.0/8"),
    VALUE("cookie", "COOKIE[/MASK]", "only what rules with this cookie decided"),
    FLAG("drops", "only what is dropped"),
    VALUE("reason", "REASON", "only what is dropped for this reason"),
    VALUE("count", "N", "so many packets, then end"),
    VALUE("for", "DURATION", "so long, then end"),
    VALUE("octets", "N", "so many octets of packets, then end"),
    VALUE("snap", "OCTETS", "so much of each packet"),
    VALUE("packets-per-second", "N", "no more than that; the others are counted (100000)"),
    END,
};
static const struct cli_option user_options[] = {
    MANY("role", "ROLE", "one or more"), MANY("site", "SITE", "only there; everywhere if not said"),
    END};
static const struct cli_option help_options[] = {
    FLAG("manual", "the table of all commands in Markdown"), END};

/* clang-format off */
#define KIND(noun, plural, kind)                                                                   \
    {noun, "list", "", list_options, "All " plural, cmd_list, &kind, false},                       \
    {noun, "show", "NAME", NULL, "One " noun, cmd_show, &kind, false},                             \
    {noun, "create", "", put_options, "State " plural " of a file, none of which is there yet",    \
     cmd_create, &kind, false},                                                                    \
    {noun, "put", "", put_options, "Create or replace " plural " of a file", cmd_put, &kind,       \
     false},                                                                                       \
    {noun, "remove", "NAME", NULL, "Remove a " noun " that nothing uses", cmd_remove, &kind, false}
/* clang-format on */

static const struct cli_verb verbs[] = {
    KIND("site", "sites", kind_site),
    {"site", "peers", "", NULL, "The sites that this one follows, and whether they answer",
     cmd_site_peers, NULL, false},
    {"site", "init", "", site_init_options,
     "Make the authority of the bus between sites, and the hub's files", cmd_site_init, NULL,
     false},
    {"site", "request", "", site_request_options,
     "At a site: make its keys, and a request for the centre", cmd_site_request, NULL, false},
    {"site", "enrol", "REQUEST", site_enrol_options,
     "At the centre: take a site in, or renew what it has", cmd_site_enrol, NULL, false},
    {"site", "install", "BUNDLE", site_install_options,
     "At a site: put in place what the centre has issued", cmd_site_install, NULL, false},
    {"site", "rotate", "", site_rotate_options,
     "New keys: for the centre at once, at a site a request for them", cmd_site_rotate, NULL,
     false},
    {"site", "revoke", "SITE", site_dir_options,
     "At the centre: nothing that was issued to a site is good any more", cmd_site_revoke, NULL,
     false},
    {"site", "enrolled", "", site_dir_options, "Who is on the bus between sites, and until when",
     cmd_site_enrolled, NULL, false},
    KIND("node", "nodes", kind_node),
    {"node", "rules", "NAME", rules_options, "What a node should hold and holds", cmd_node_rules,
     &kind_node, false},
    {"node", "repair", "NAME", NULL, "Make a node hold what is planned", cmd_node_repair,
     &kind_node, false},
    {"node", "release-port", "NAME [PORT]", NULL,
     "Use a port again that waits for it, where that is not automatic", cmd_node_release_port,
     &kind_node, false},
    KIND("link", "links", kind_link),
    KIND("host", "hosts", kind_host),
    KIND("router", "routers of the WAN", kind_router),
    KIND("tunnel", "tunnels through the WAN", kind_tunnel),
    {"tunnel", "build", "[NAME...]", names_options, "Submit the order that builds tunnels",
     cmd_build, &kind_tunnel, false},
    {"tunnel", "teardown", "[NAME...]", names_options, "Submit the order that takes them down",
     cmd_teardown, &kind_tunnel, false},
    KIND("vpn", "VPNs", kind_vpn),
    {"vpn", "config", "NAME", version_options,
     "What its routers would get, and whether they would take it", cmd_vpn_config, NULL, false},
    {"vpn", "build", "[NAME...]", names_options, "Submit the order that builds VPNs", cmd_build,
     &kind_vpn, false},
    {"vpn", "change", "NAME...", change_options,
     "Submit the order that brings their routers to what is stated now", cmd_vpn_change, NULL,
     false},
    {"vpn", "teardown", "[NAME...]", names_options, "Submit the order that takes them down",
     cmd_teardown, &kind_vpn, false},
    {"vpn", "drift", "NAME", NULL, "How its routers differ from what was built", cmd_vpn_drift,
     NULL, false},
    {"vpn", "restore", "NAME", NULL, "Put what is ours on its routers back to what was built",
     cmd_vpn_restore, NULL, false},
    {"wan", "nodes", "", NULL, "Routers, as the routing protocols tell of them", cmd_wan_list,
     &wan_nodes, false},
    {"wan", "links", "", NULL, "Links, each direction, with what is reserved", cmd_wan_list,
     &wan_links, false},
    {"wan", "sources", "", NULL, "Where the network is learned from", cmd_wan_list, &wan_sources,
     false},
    {"wan", "findings", "", NULL, "What contradicts itself in what they say", cmd_wan_list,
     &wan_findings, false},
    {"wan", "sessions", "", NULL, "Routers that are connected to be told paths", cmd_wan_list,
     &wan_sessions, false},
    {"wan", "lsps", "", NULL, "The paths that routers report", cmd_wan_lsps, &wan_lsps, false},
    {"wan", "what-if", "[ELEMENT]", NULL,
     "What would become of the tunnels if something failed, the worst first; or of each tunnel if "
     "this did",
     cmd_wan_what_if, NULL, false},
    {"wan", "optimise", "", optimise_options,
     "Which tunnels to move so that the fullest link is as empty as it can be", cmd_wan_optimise,
     NULL, false},
    {"wan", "relieve", "", relieve_options, "The fewest moves so that no link is above a threshold",
     cmd_wan_relieve, NULL, false},
    {"wan", "tree", "ROOT LEAF...", tree_options,
     "A tree from one router to several, its links and cost; computed and not more", cmd_wan_tree,
     NULL, false},
    {"wan", "drain", "ELEMENT", drain_options,
     "Take a router, a link or a shared risk (srlg-N) out of service; what passes it goes another "
     "way",
     cmd_wan_drain, NULL, false},
    {"wan", "restore", "ELEMENT", NULL, "Let it be used again", cmd_wan_restore, NULL, false},
    {"wan", "resync", "ROUTER", NULL,
     "Ask a router, by name or address, to report all its paths again", cmd_wan_resync, NULL,
     false},
    {"wan", "import", "FILE", plan_options,
     "Shared risks, delays and names as they were planned: a table, all of it", cmd_wan_import,
     NULL, false},
    {"circuit", "list", "", circuit_list_options, "All circuits, how far they are, their paths",
     cmd_circuit_list, &kind_circuit, false},
    {"circuit", "show", "NAME", NULL, "One circuit: paths, phase, rules in the nodes",
     cmd_circuit_show, &kind_circuit, false},
    {"circuit", "create", "[NAME]", create_options,
     "State circuits, of a file or by options; --build builds them", cmd_circuit_create, NULL,
     false},
    {"circuit", "put", "", put_options, "Create or replace circuits of a file", cmd_put,
     &kind_circuit, false},
    {"circuit", "remove", "NAME", NULL, "Forget a circuit that is not built", cmd_remove,
     &kind_circuit, false},
    {"circuit", "build", "[NAME...]", names_options, "Submit the order that builds circuits",
     cmd_build, &kind_circuit, false},
    {"circuit", "teardown", "[NAME...]", names_options, "Submit the order that takes them down",
     cmd_teardown, &kind_circuit, false},
    {"circuit", "test", "NAME", test_options, "Test a circuit on its own paths, now",
     cmd_circuit_test, &kind_circuit, false},
    {"circuit", "fingerprint", "NAME", NULL, "What its last test measured", cmd_circuit_fingerprint,
     &kind_circuit, false},
    {"circuit", "stop", "NAME", local_options,
     "At a site that is cut off: take a circuit of the site out of its nodes", cmd_circuit_stop,
     &kind_circuit, false},
    {"circuit", "resume", "NAME", comment_options,
     "End local work on a circuit: what the control centre wants holds again", cmd_circuit_resume,
     &kind_circuit, false},
    {"circuit", "fit", "[NAME...]", fit_options,
     "Which of many circuits the network could carry, and what limits the others", cmd_circuit_fit,
     NULL, false},
    {"circuit", "what-if", "[NAME...]", what_if_options,
     "Design and prove circuits, and change nothing", cmd_circuit_what_if, NULL, false},
    {"inventory", "import", "FILE...", import_options,
     "Put in what CSV, JSON or SCD files say, all or nothing", cmd_inventory_import, NULL, false},
    {"inventory", "export", "", export_options, "Write inventory and circuits into files",
     cmd_inventory_export, NULL, false},
    {"model", "run", "[FILE...]", model_options,
     "What if: plan, proof, latency and use of a network with what these files say put in",
     cmd_model_run, NULL, false},
    {"rules", "judge", "FILE", judge_options,
     "Judge prefix tables, packet filters and labels of a network that others have built",
     cmd_rules_judge, NULL, false},
    {"work", "list", "", work_list_options, "Work orders", cmd_work_list, NULL, false},
    {"work", "show", "ID", work_show_options, "One order: steps, approvals, plan, proof",
     cmd_work_show, NULL, false},
    {"work", "approve", "ID", approve_options, "Approve what an order is about to do",
     cmd_work_approve, NULL, false},
    {"work", "refuse", "ID", refuse_options, "Refuse it", cmd_work_refuse, NULL, false},
    {"work", "cancel", "ID", comment_options, "End an order and undo what it did", cmd_work_cancel,
     NULL, false},
    {"work", "submit", "WORKFLOW", submit_options, "Start a workflow", cmd_work_submit, NULL,
     false},
    {"work", "watch", "ID", watch_options, "Follow an order", cmd_work_watch, NULL, false},
    {"work", "workflows", "", NULL, "What can be submitted", cmd_work_workflows, NULL, false},
    {"test", "run", "CIRCUIT", test_options, "Test a circuit on its own paths, now",
     cmd_circuit_test, NULL, false},
    {"test", "list", "", NULL, "How the circuits that are watched are", cmd_test_list, NULL, false},
    {"exception", "list", "", exception_list_options, "What is not as engineered",
     cmd_exception_list, NULL, false},
    {"exception", "show", "ID", NULL, "One exception and its evidence", cmd_exception_show, NULL,
     false},
    {"exception", "acknowledge", "ID", comment_options, "Say that you take care of it",
     cmd_exception_acknowledge, NULL, false},
    {"exception", "close", "ID", reason_options, "Say that it is over", cmd_exception_close, NULL,
     false},
    {"sensor", "list", "", sensor_site_options, "The sensors, and whether they are heard",
     cmd_sensor_list, NULL, false},
    {"sensor", "alerts", "", sensor_alerts_options, "What they have noticed, the newest first",
     cmd_sensor_alerts, NULL, false},
    {"sensor", "alert", "ID", sensor_alert_options, "One alert, its evidence, and what to do",
     cmd_sensor_alert, NULL, false},
    {"sensor", "incidents", "", sensor_site_options, "Alerts that belong together",
     cmd_sensor_incidents, NULL, false},
    {"sensor", "assets", "", sensor_assets_options, "The devices that they have seen",
     cmd_sensor_assets, NULL, false},
    {"sensor", "vulnerabilities", "", sensor_vulnerabilities_options,
     "Which devices advisories of makers are about, why, and what to do, the gravest first",
     cmd_sensor_vulnerabilities, NULL, false},
    {"sensor", "habits", "", sensor_habits_options,
     "Who talks with whom, and how, as they have learned it", cmd_sensor_habits, NULL, false},
    {"sensor", "approve", "CLIENT SERVER", sensor_order_options,
     "Say that what two devices do is fine: nothing new of it is an alert", cmd_sensor_approve,
     NULL, false},
    {"sensor", "forget", "CLIENT SERVER", sensor_order_options,
     "Let what two devices do be new again", cmd_sensor_forget, NULL, false},
    {"sensor", "report", "SITE", sensor_report_options,
     "Devices, applications, protocols, ports in use, bandwidth, who talks with whom",
     cmd_sensor_report, NULL, false},
    {"sensor", "coverage", "[PATH]", NULL,
     "Which techniques of ATT&CK for ICS the detections of a file or a directory see",
     cmd_sensor_coverage, NULL, false},
    {"sensor", "close", "ID", sensor_close_options, "Say that an alert is dealt with",
     cmd_sensor_close, NULL, false},
    {"local", "list", "", NULL, "What sites decided by themselves, and what they may",
     cmd_local_list, NULL, false},
    {"local", "build", "CIRCUIT", local_options,
     "At a site that is cut off: propose to build a circuit of the site that is reserved",
     cmd_local_build, &kind_circuit, false},
    {"local", "agree", "ID", agree_options, "As the second person: let it be built",
     cmd_local_agree, NULL, false},
    {"local", "end", "ID", comment_options,
     "End local work: what the control centre wants holds again", cmd_local_end, NULL, false},
    {"journal", "list", "", journal_list_options, "Events", cmd_journal_list, NULL, false},
    {"journal", "head", "", NULL, "The last event's number and hash, to be kept elsewhere",
     cmd_journal_head, NULL, false},
    {"journal", "follow", "", journal_follow_options, "Events as they happen", cmd_journal_follow,
     NULL, false},
    {"journal", "verify", "", verify_options,
     "Has a record been changed, removed or put elsewhere?", cmd_journal_verify, NULL, false},
    {"journal", "checkpoint", "", checkpoint_options,
     "Sign what a journal is now; without --file: the newest that the server has signed",
     cmd_journal_checkpoint, NULL, false},
    {"journal", "evidence", "[SEQ[-LAST]]", evidence_options,
     "Prove to others that an event is in a journal, or that nothing old was changed",
     cmd_journal_evidence, NULL, false},
    {"journal", "check", "EVIDENCE", check_options, "Does the evidence prove what it says?",
     cmd_journal_check, NULL, false},
    {"journal", "countersign", "EVIDENCE", countersign_options,
     "As a witness, sign another's checkpoint that goes on from the last one you signed",
     cmd_journal_countersign, NULL, false},
    {"journal", "export", "", journal_export_options, "All events into a file", cmd_journal_export,
     NULL, false},
    {"content", "sign", "DIR", content_sign_options, "Vouch for every file in a directory",
     cmd_content_sign, NULL, false},
    {"content", "verify", "DIR", content_verify_options,
     "Is a directory as somebody who is trusted has signed it?", cmd_content_verify, NULL, false},
    {"content", "key", "", content_key_options, "The public key, as a line of a file of --trust",
     cmd_content_key, NULL, false},
    {"edge", "status", "", edge_options, "How a packet node is", cmd_edge_status, NULL, false},
    {"edge", "ports", "", edge_options, "Its ports", cmd_edge_ports, NULL, false},
    {"edge", "queues", "", queues_options, "How its ports are shared, and what went where",
     cmd_edge_queues, NULL, false},
    {"edge", "redundancy", "", edge_options,
     "Its circuits that go by two paths at once, and whom it hears", cmd_edge_redundancy, NULL,
     false},
    {"edge", "stats", "", stats_options, "What it counted and dropped", cmd_edge_stats, NULL,
     false},
    {"edge", "top", "", top_options, "What passes now: ports, flows, groups, drops", cmd_edge_top,
     NULL, false},
    {"edge", "clock", "", edge_options, "How well it corrects precision time (PTP)", cmd_edge_clock,
     NULL, false},
    {"edge", "trace", "", trace_options, "What it would do with a packet, table by table",
     cmd_edge_trace, NULL, false},
    {"edge", "capture", "", capture_options, "Its packets as pcapng, each with what became of it",
     cmd_edge_capture, NULL, false},
    {"network", "prove", "", prove_options,
     "Whether all nodes together pass exactly what the circuits allow, whatever fails",
     cmd_network_prove, NULL, false},
    {"network", "conditions", "", conditions_options,
     "Whether the nodes are as the latency bounds count on: rates, queues, meters",
     cmd_network_conditions, NULL, false},
    {"ask", "reach", "FROM TO [PROTOCOL]", NULL,
     "Can one host send to another, by which circuit and rules, or what drops it", cmd_ask_reach,
     NULL, false},
    {"ask", "who-reaches", "HOST", NULL, "Which hosts can send to this one", cmd_ask_who_reaches,
     NULL, false},
    {"ask", "affected-by", "ELEMENT", NULL,
     "What becomes of the circuits if this link, node or shared risk fails", cmd_ask_affected_by,
     NULL, false},
    {"ask", "matrix", "", NULL, "Who may talk to whom", cmd_ask_matrix, NULL, false},
    {"denied", "list", "", NULL, "What hosts tried and no circuit allows", cmd_denied_list, NULL,
     false},
    {"user", "list", "", NULL, "Who holds which roles", cmd_user_list, NULL, false},
    {"user", "put", "NAME", user_options, "Say which roles a person holds", cmd_user_put, NULL,
     false},
    {"user", "remove", "NAME", NULL, "Take all roles from a person", cmd_user_remove, NULL, false},
    {"lab", "up", "", lab_options, "Build the lab: two substations in network namespaces", cmd_lab,
     NULL, false},
    {"lab", "down", "", lab_options, "Remove every trace of it", cmd_lab, NULL, false},
    {"lab", "status", "", lab_options, "What runs in it", cmd_lab, NULL, false},
    {"lab", "controller", "start|stop|kill|log", lab_options, "Its control centre", cmd_lab, NULL,
     false},
    {"lab", "services", "start|stop", lab_options, "What its hosts do", cmd_lab, NULL, false},
    {"lab", "cut", "LINK", lab_options, "Cut a link", cmd_lab, NULL, false},
    {"lab", "restore", "LINK", lab_options, "Mend it", cmd_lab, NULL, false},
    {"lab", "block", "LINK [a-to-b|b-to-a|both]", lab_options,
     "Let frames vanish on a link that stays up", cmd_lab, NULL, false},
    {"lab", "shell", "[WHERE]", lab_options, "A shell at the desk, or on a host", cmd_lab, NULL,
     true},
    {"lab", "exec", "WHERE COMMAND...", lab_options, "A command there", cmd_lab, NULL, true},
    {"lab", "env", "", lab_options, "What to eval in a shell to use this lab", cmd_lab, NULL,
     false},
    {"session", "list", "", NULL, "Who is logged in", cmd_session_list, NULL, false},
    {"session", "revoke", "ID", NULL, "End a session at once", cmd_session_revoke, NULL, false},
    {"breakglass", "seal", "[NAME]", seal_options,
     "Make a code that opens one session, and print it once", cmd_break_glass_seal, NULL, false},
    {"breakglass", "list", "", NULL, "Which codes are sealed, and which were used",
     cmd_break_glass_list, NULL, false},
    {"login", NULL, "", login_options, "Log in by the identity provider, for a session", cmd_login,
     NULL, false},
    {"logout", NULL, "", NULL, "End your session", cmd_logout, NULL, false},
    {"whoami", NULL, "", NULL, "Who you are for the server", cmd_whoami, NULL, false},
    {"health", NULL, "", NULL, "How the server is", cmd_health, NULL, false},
    {"version", NULL, "", NULL, "Of this program", cmd_version, NULL, false},
    {"help", NULL, "[NOUN] [VERB]", help_options, "What there is", cmd_help, NULL, false},
    {"completion", NULL, "SHELL", NULL, "Completion for a shell: bash", cmd_completion, NULL,
     false},
};

const struct cli_commands cli_commands = {verbs, ARRAY_SIZE(verbs), common};
