/* route_table.c - all that can be asked. doc/api.md has the same for people. */
#include "gateway/route.h"

#include "gateway/handlers.h"

#define ANY ROLES_ALL
#define WORKERS (ROLE(ENGINEER) | ROLE(OPERATOR))
#define WATCHERS (ROLE(OPERATOR) | ROLE(SECADM))
#define AUDITORS (ROLE(SECADM) | ROLE(SECAUD))
#define MIB(n) ((size_t)(n) << 20)
#define MINUTES(n) ((n)*60 * NSEC_PER_SEC)
#define AT_ONCE (3 * NSEC_PER_SEC) /* who only knows what is now has it at hand */
#define WORDS(...) PARAMETER_WORD, .words = __VA_ARGS__
#define SEQ PARAMETER_NUMBER, .min = 1, .max = INT64_MAX

/* clang-format off */
static const struct api_parameter
    actor = {"actor", "Only what this person or service did.", .type = PARAMETER_TEXT},
    dry_run = {"dry-run", "Changes nothing, and says what would change.",
               .type = PARAMETER_FLAG},
    format_in = {"format", "How the files are written.", .required = true,
                 .type = WORDS("csv json scd")},
    format_out = {"format", "How the files are to be written.", .required = true,
                  .type = WORDS("csv json")},
    from = {"from", "The first event, by its seq.", .type = SEQ},
    limit = {"limit", "At most so many; if it is not said, 100 events or 1000 alerts.",
             .type = PARAMETER_NUMBER, .min = 1, .max = 1000},
    object = {"object", "Only events about this object, as kind/name.", .type = PARAMETER_TEXT},
    only_open = {"open", "Only orders that have not ended.", .type = PARAMETER_FLAG},
    state = {"state", "Only exceptions in this state.",
             .type = WORDS("open acknowledged closed")},
    to = {"to", "The last event, by its seq.", .type = SEQ},
    type = {"type", "Only events whose type begins so.", .type = PARAMETER_TEXT},
    ask_element = {"element", "A link, a node or a shared risk.", .required = true,
                   .type = PARAMETER_TEXT},
    ask_from = {"from", "The host that sends.", .required = true, .type = PARAMETER_TEXT},
    ask_host = {"host", "The host that is sent to.", .required = true, .type = PARAMETER_TEXT},
    ask_protocol = {"protocol", "Only this: tcp, tcp/502, udp/123, icmp, ip, arp, goose, sv or an "
                    "EtherType as 0x88b8.", .type = PARAMETER_TEXT},
    ask_to = {"to", "The host that is sent to.", .required = true, .type = PARAMETER_TEXT},
    proof_of = {"of", "What the nodes hold (if it is not said), or what is planned for them.",
                .type = WORDS("observed planned")},
    lsp_after = {"after", "Goes on there: `next` of the page before.", .type = PARAMETER_NUMBER,
                 .min = 0, .max = INT64_MAX},
    lsp_router = {"router", "Only those of the router that connects from this address.",
                  .type = PARAMETER_TEXT},
    alert_address = {"address", "Only alerts from or to this IP or MAC address.",
                     .type = PARAMETER_TEXT},
    alert_incident = {"incident", "Only alerts of this incident.", .type = PARAMETER_TEXT},
    alert_rule = {"rule", "Only alerts of this rule.", .type = PARAMETER_TEXT},
    alert_severity = {"severity", "Only alerts that are as severe, or more.",
                      .type = WORDS("low medium high critical")},
    alert_since = {"since", "Only alerts that were seen since then (RFC 3339).",
                   .type = PARAMETER_TEXT},
    alert_state = {"state", "Only alerts in this state.", .type = WORDS("open closed")},
    asset_format = {"format", "JSON (if it is not said), or a table.", .type = WORDS("json csv")},
    habits_address = {"address", "Only of this IP or MAC address.", .type = PARAMETER_TEXT},
    habits_after = {"after", "Goes on there: `next` of the page before.", .type = PARAMETER_TEXT},
    habits_limit = {"limit", "At most so many pairs (200).", .type = PARAMETER_NUMBER, .min = 1,
                    .max = 200},
    habits_sensor = {"sensor", "Only of this sensor.", .type = PARAMETER_TEXT},
    sensor_site = {"site", "Only what sensors of this site have told.", .type = PARAMETER_TEXT},
    traffic_from = {"from", "Only what was counted since then (RFC 3339), in whole ten minutes.",
                    .type = PARAMETER_TEXT},
    traffic_to = {"to", "Only what was counted up to then.", .type = PARAMETER_TEXT},
    vulnerability_advisory = {"advisory", "Only of this advisory.", .type = PARAMETER_TEXT},
    vulnerability_asset = {"asset", "Only of the device at this address.", .type = PARAMETER_TEXT},
    vulnerability_cve = {"cve", "Only advisories about this CVE.", .type = PARAMETER_TEXT},
    vulnerability_limit = {"limit", "At most so many (1000).", .type = PARAMETER_NUMBER, .min = 1,
                           .max = 50000},
    what = {"what", "What is planned for the node, what it holds (if it is not said), or where "
            "they differ.", .type = WORDS("planned observed difference")};

#define QUERY(...) ((const struct api_parameter *const[]){__VA_ARGS__, NULL})

/* The objects of the model: what can be done with each kind is the same. */
#define KIND(kinds, component, word)                                                               \
    {HTTP_GET, "/" kinds, ANY, "All " kinds " there are.", api_list_objects,                       \
     .timeout = AT_ONCE, .answer = component "s"},                                                 \
    {HTTP_GET, "/" kinds "/{name}", ANY, "One " word ".", api_get_object,                          \
     .timeout = AT_ONCE, .answer = component},                                                     \
    {HTTP_PUT, "/" kinds "/{name}", ROLE(ENGINEER),                                                \
     "Creates the " word ", or replaces it as a whole.", api_put_object, "model.put", MINUTES(1),  \
     .body = component, .query = QUERY(&dry_run), .answer = "Report"},                             \
    {HTTP_DELETE, "/" kinds "/{name}", ROLE(ENGINEER),                                             \
     "Removes the " word ", unless something uses it.", api_delete_object,                         \
     .subject = "model.remove"}

const struct api_route route_table[] = {
    {HTTP_GET, "/whoami", ANY, "Who asks, and which roles they hold here.", api_get_whoami,
     .answer = "Whoami"},
    {HTTP_GET, "/health", ANY, "Whether all is well: the journal, the nodes, the users; open work "
     "and open exceptions.", api_get_health, "lan.nodes", AT_ONCE, .answer = "Health"},
    {HTTP_GET, "/openapi.json", ANY, "This document.", api_get_openapi, .answer = "OpenApi"},
    KIND("sites", "Site", "site"),
    KIND("nodes", "Node", "node"),
    KIND("links", "Link", "link"),
    KIND("hosts", "Host", "host"),
    KIND("routers", "Router", "router"),
    KIND("tunnels", "Tunnel", "tunnel"),
    KIND("vpns", "Vpn", "vpn"),
    KIND("circuits", "Circuit", "circuit"),
    {HTTP_POST, "/import", ROLE(ENGINEER), "Puts what files say into the model.", api_post_import,
     "model.import", MINUTES(2), .body = "Files", .body_size = MIB(32),
     .query = QUERY(&format_in, &dry_run), .dry_roles = ANY, .answer = "Report"},
    {HTTP_GET, "/export", ANY, "The model as files, which can be imported again.", api_get_export,
     "model.export", MINUTES(1), .query = QUERY(&format_out), .answer = "Files"},
    {HTTP_POST, "/what-if", ANY, "What the design of these circuits would be; changes nothing.",
     api_post_what_if, "circuit.what-if", MINUTES(2), .body = "WhatIfRequest", .body_size = MIB(8),
     .answer = "WhatIf", .reads = true},

    {HTTP_POST, "/fit", ANY, "Which of these circuits the network could carry, one after the other, and "
     "what limits the others; changes nothing.", api_post_what_if, "circuit.fit", MINUTES(2),
     .body = "FitRequest", .body_size = MIB(16), .answer = "Fit", .reads = true},

    {HTTP_POST, "/model", ANY, "What if the network were another one: its plan, proof, latency, use and "
     "the difference to what is there; changes nothing.", api_post_model, "model.run", MINUTES(5),
     .body = "ModelRequest", .body_size = MIB(32), .answer = "Model", .reads = true},

    {HTTP_GET, "/workflows", ANY, "The workflows that orders can be submitted for.", api_pass_on,
     "work.workflows", .answer = "Workflows"},
    {HTTP_GET, "/orders", ANY, "Work orders, without their steps.", api_list_orders, "work.list",
     .query = QUERY(&only_open), .answer = "Orders"},
    {HTTP_POST, "/orders", WORKERS, "Submits a work order.", api_post_order, "work.submit",
     MINUTES(1), .body = "OrderRequest", .body_size = MIB(1), .answer = "OrderCreated",
     .status = 201},
    {HTTP_GET, "/orders/{id}", ANY, "A work order with its steps, its approvals and its plan.",
     api_get_order, "work.get", MINUTES(1), .answer = "Order"},
    {HTTP_POST, "/orders/{id}/decisions", ANY, "Approves or refuses what an order asks, in a role "
     "the person holds.", api_post_decision, "work.decide", .body = "Decision"},
    {HTTP_POST, "/orders/{id}/cancel", WORKERS, "Cancels an order, and undoes what it did.",
     api_post_cancel, "work.cancel", .body = "Comment"},

    {HTTP_GET, "/circuits/{name}/fingerprint", ANY, "The latest measurement of record of a "
     "circuit.", api_get_fingerprint, .answer = "CircuitFingerprint"},
    {HTTP_POST, "/circuits/{name}/tests", WORKERS, "Tests a circuit now, and waits for the result.",
     api_post_test, "assure.test", MINUTES(10), .body = "TestRequest", .answer = "TestResult"},
    {HTTP_POST, "/circuits/{name}/stop", WATCHERS, "At a site that is cut off: takes a circuit of the "
     "site out of its nodes.", api_post_local, "local.stop", .body = "LocalRequest",
     .answer = "LocalWork"},
    {HTTP_POST, "/circuits/{name}/resume", WATCHERS, "Ends local work on a circuit: what the control "
     "centre wants holds again.", api_post_local, "local.end", .body = "LocalComment",
     .answer = "LocalWork"},
    {HTTP_POST, "/circuits/{name}/local-build", ROLE(OPERATOR), "At a site that is cut off: proposes to "
     "bring a circuit of the site into its nodes that is reserved.", api_post_local, "local.propose",
     .body = "LocalRequest", .answer = "LocalWork"},
    {HTTP_GET, "/local", ANY, "Local work, and what the control centre allows.", api_pass_on,
     "local.list", .answer = "Local"},
    {HTTP_POST, "/local/{id}/agree", ROLE(SECADM), "The second person's word on what was proposed: it is "
     "done.", api_post_local_id, "local.agree", .body = "LocalAgreement", .answer = "LocalWork"},
    {HTTP_POST, "/local/{id}/end", WATCHERS, "Ends local work: what the control centre wants holds "
     "again.", api_post_local_id, "local.end", .body = "LocalComment", .answer = "LocalWork"},

    {HTTP_GET, "/assurance", ANY, "What the surveillance sees of each circuit.", api_pass_on,
     "assure.status", .answer = "Assurance"},
    {HTTP_GET, "/exceptions", ANY, "What is, or was, not as engineered.", api_list_exceptions,
     .query = QUERY(&state), .answer = "Exceptions"},
    {HTTP_GET, "/exceptions/{id}", ANY, "One exception.", api_get_exception, .answer = "Exception"},
    {HTTP_POST, "/exceptions/{id}/acknowledge", WATCHERS, "Says that somebody takes care of it.",
     api_post_acknowledge, "exception.acknowledge", .body = "Comment"},
    {HTTP_POST, "/exceptions/{id}/close", WATCHERS, "Says that it is over.", api_post_close,
     "exception.close", .body = "Reason"},

    {HTTP_GET, "/sensors", ANY, "The sensors, and whether they are heard.", api_list_sensors,
     .query = QUERY(&sensor_site), .answer = "Sensors"},
    {HTTP_GET, "/sensor/alerts", ANY, "What sensors have noticed, the newest first.",
     api_list_alerts, .query = QUERY(&alert_since, &alert_severity, &alert_rule, &alert_address,
     &alert_state, &alert_incident, &sensor_site, &limit), .answer = "Alerts"},
    {HTTP_GET, "/sensor/alerts/{alert}", ANY, "One alert, with its evidence and what to do.",
     api_get_alert, .query = QUERY(&sensor_site), .answer = "Alert"},
    {HTTP_POST, "/sensor/alerts/{alert}/close", WATCHERS, "Says that it is dealt with. It is open "
     "again when it is seen again.", api_post_close_alert, "sensor.close",
     .query = QUERY(&sensor_site), .body = "Reason"},
    {HTTP_GET, "/sensor/incidents", ANY, "Alerts that belong together.", api_list_incidents,
     .query = QUERY(&sensor_site), .answer = "Incidents"},
    {HTTP_GET, "/sensor/assets", ANY, "The devices that sensors have seen.", api_list_assets,
     .query = QUERY(&sensor_site, &asset_format), .answer = "Assets"},
    {HTTP_GET, "/sensor/vulnerabilities", ANY, "Which devices advisories of makers are about, the "
     "gravest first.", api_list_vulnerabilities, .query = QUERY(&sensor_site, &vulnerability_asset,
     &vulnerability_advisory, &vulnerability_cve, &asset_format, &vulnerability_limit),
     .answer = "Vulnerabilities"},
    {HTTP_GET, "/sensor/traffic", ANY, "Who talks with whom, how much, as the sensors of one site "
     "have counted since its program began, or in a time.", api_get_traffic, "sensor.traffic",
     MINUTES(1), .query = QUERY(&sensor_site, &traffic_from, &traffic_to), .answer = "Traffic"},
    {HTTP_GET, "/sensor/habits", ANY, "Who talks with whom, and how, as the sensors of one site have "
     "learned it: a page, asked of the sensor now.", api_get_habits, "sensor.habits", MINUTES(1),
     .query = QUERY(&sensor_site, &habits_sensor, &habits_address, &habits_after, &habits_limit),
     .answer = "Habits"},
    {HTTP_POST, "/sensor/habits/approve", WATCHERS, "Says to a sensor that a pair, a protocol of it or "
     "a function is fine: what is new of it is no alert.", api_post_approve_habit, "sensor.habit",
     MINUTES(1), .query = QUERY(&sensor_site), .body = "HabitOrder", .answer = "HabitOrdered"},
    {HTTP_POST, "/sensor/habits/forget", WATCHERS, "Says to a sensor that a pair, a protocol of it or "
     "a function is to be new again.", api_post_forget_habit, "sensor.habit", MINUTES(1),
     .query = QUERY(&sensor_site), .body = "HabitOrder", .answer = "HabitOrdered"},

    {HTTP_GET, "/nodes/{name}/rules", ANY, "The rules of a node.", api_get_rules, "lan.rules",
     MINUTES(1), .query = QUERY(&what), .answer = "Rules"},
    {HTTP_POST, "/nodes/{name}/repair", WORKERS, "Makes the rules of a node what is planned.",
     api_post_repair, "lan.repair", MINUTES(1), .body = "Nothing", .answer = "Repair"},
    {HTTP_POST, "/nodes/{name}/release-port", ROLE(OPERATOR), "Uses a port now that waits to be "
     "used again.", api_post_release_port, "lan.rpc", .body = "ReleasePort"},
    {HTTP_POST, "/nodes/{name}/rpc", ANY, "Asks a node something; only what changes nothing.",
     api_post_rpc, "lan.rpc", .body = "RpcRequest", .answer = "RpcAnswer", .reads = true},
    {HTTP_POST, "/nodes/{name}/capture", WORKERS, "Copies packets of a node: starts, reads or stops "
     "a capture.", api_post_rpc, "lan.rpc", .body = "CaptureRequest", .answer = "RpcAnswer"},
    {HTTP_GET, "/proof", ANY, "Whether the rules of all nodes pass exactly what the circuits allow, "
     "whatever fails.", api_get_proof, "lan.prove", MINUTES(1), .query = QUERY(&proof_of),
     .answer = "Proof"},
    {HTTP_GET, "/conditions", ANY, "Whether the nodes are as the latency bounds count on: the rates of "
     "their ports, their queues, the meters they hold.", api_pass_on, "lan.conditions",
     .answer = "Conditions"},
    {HTTP_GET, "/ask/reach", ANY, "Whether one host can send to another by what the nodes hold; by "
     "which circuits and rules, or what drops it.", api_get_ask, "lan.ask", MINUTES(1),
     .query = QUERY(&ask_from, &ask_to, &ask_protocol), .answer = "Reach"},
    {HTTP_GET, "/ask/who-reaches", ANY, "Which hosts can send to this one.", api_get_ask, "lan.ask",
     MINUTES(1), .query = QUERY(&ask_host), .answer = "WhoReaches"},
    {HTTP_GET, "/ask/affected-by", ANY, "What would become of the circuits if this failed.",
     api_get_ask, "lan.ask", MINUTES(1), .query = QUERY(&ask_element), .answer = "AffectedBy"},
    {HTTP_GET, "/ask/matrix", ANY, "Who may talk to whom.", api_get_ask, "lan.ask", MINUTES(1),
     .answer = "Matrix"},
    {HTTP_GET, "/denied", ANY, "What the rules that deny have counted, port by port.", api_pass_on,
     "lan.denied", .answer = "Denied"},

    {HTTP_GET, "/wan/nodes", ANY, "The routers of the WAN, as its routing protocols tell of them.",
     api_pass_on, "wan.nodes", AT_ONCE, .answer = "WanNodes"},
    {HTTP_GET, "/wan/links", ANY, "Its links, one for each direction: how they are, whose word each "
     "attribute is, what is reserved.", api_pass_on, "wan.links", AT_ONCE, .answer = "WanLinks"},
    {HTTP_GET, "/wan/sources", ANY, "Where the network is learned from, and what operators have said "
     "otherwise.", api_pass_on, "wan.sources", AT_ONCE, .answer = "WanSources"},
    {HTTP_GET, "/wan/findings", ANY, "What contradicts itself in what the sources say.", api_pass_on,
     "wan.findings", AT_ONCE, .answer = "WanFindings"},
    {HTTP_GET, "/wan/routers", ANY, "The sessions of routers with the path computation element.",
     api_pass_on, "wan.routers", AT_ONCE, .answer = "WanRouters"},
    {HTTP_GET, "/wan/lsps", ANY, "The label-switched paths that routers report.", api_list_lsps,
     "wan.lsps", AT_ONCE, .query = QUERY(&lsp_router, &lsp_after, &limit), .answer = "WanLsps"},
    {HTTP_GET, "/wan/topology", ANY, "The network as RFC 8345 has it.", api_pass_on, "wan.topology",
     AT_ONCE, .answer = "WanTopology"},
    {HTTP_PUT, "/wan/optical", WORKERS, "What the optical layer says of the links above it: all of it, "
     "each time.", api_put_optical, "wan.optical", MINUTES(1), .body = "WanOptical",
     .body_size = MIB(16), .answer = "WanMoved"},
    {HTTP_PUT, "/wan/delays", WORKERS, "Delays of links that were measured: all of whoever measures, each "
     "time; old after a while.", api_post_on, "wan.delays", MINUTES(1), .body = "WanDelays",
     .body_size = MIB(16), .answer = "WanMoved"},
    {HTTP_PUT, "/wan/plans/{name}", WORKERS, "What a plan says of the links, as a table: shared risks, "
     "delays, names; all of it, each time.", api_put_wan_plan, "wan.plan", MINUTES(1),
     .body = "WanPlan", .body_size = MIB(16), .answer = "WanMoved"},
    {HTTP_POST, "/wan/path", ANY, "Where a tunnel would go that is stated like this; changes nothing.",
     api_post_on, "wan.path", MINUTES(1), .body = "WanPathRequest", .answer = "WanPath", .reads = true},
    {HTTP_GET, "/wan/what-if", ANY, "What would become of the tunnels if a link, a router or a shared risk "
     "failed: each of them, the worst first.", api_get_wan_what_if, "wan.what-if", MINUTES(1),
     .query = QUERY(&limit), .answer = "WanWhatIf"},
    {HTTP_POST, "/wan/optimise", ANY, "How low the highest utilisation of any link can be, and which tunnels "
     "would have to move; changes nothing.", api_post_on, "wan.optimise", MINUTES(10),
     .body = "WanOptimiseRequest", .answer = "WanMoves", .reads = true},
    {HTTP_POST, "/wan/relieve", ANY, "The fewest moves so that no link is above a threshold; changes "
     "nothing.", api_post_on, "wan.relieve", MINUTES(10), .body = "WanRelieveRequest",
     .answer = "WanMoves", .reads = true},
    {HTTP_POST, "/wan/tree", ANY, "A tree from one router to several, within bounds; computed and not "
     "more.", api_post_on, "wan.tree", MINUTES(1), .body = "WanTreeRequest", .answer = "WanTree",
     .reads = true},
    {HTTP_POST, "/wan/drain", WORKERS, "Takes a router, a link or a shared risk out of service: what "
     "passes it goes another way.", api_post_on, "wan.drain", MINUTES(1), .body = "WanDrain",
     .answer = "WanMoved"},
    {HTTP_POST, "/wan/plan-drain", ANY, "What would have to move so that nothing passes a router, a link or "
     "a shared risk any more, and who cannot; changes nothing.", api_post_on, "wan.plan-drain",
     MINUTES(10), .body = "WanRestore", .answer = "WanMoves", .reads = true},
    {HTTP_POST, "/wan/restore", WORKERS, "Lets it be used again.", api_post_on, "wan.restore",
     MINUTES(1), .body = "WanRestore", .answer = "WanMoved"},
    {HTTP_POST, "/wan/resync", WORKERS, "Asks a router to report all its paths again.", api_post_on,
     "wan.resync", MINUTES(1), .body = "WanResync", .answer = "WanResynced"},

    {HTTP_POST, "/vpns/{name}/dry-run", WORKERS, "The native configuration of every router of a VPN, with "
     "what its platform cannot express; those that are reached try it and discard it.",
     api_post_vpn_dry_run, "vpn.design", MINUTES(5), .body = "VpnDryRunRequest", .answer = "VpnDryRun",
     .reads = true},
    {HTTP_GET, "/vpns/{name}/drift", ANY, "How its routers differ from what was built, read now.",
     api_get_vpn_drift, "vpn.drift", MINUTES(2), .answer = "VpnDrift"},
    {HTTP_POST, "/vpns/{name}/restore", WORKERS, "Puts all that is ours on its routers back to what was "
     "built.", api_post_vpn_restore, "vpn.restore", MINUTES(10), .body = "Nothing",
     .answer = "VpnRestored"},

    {HTTP_GET, "/peers", ANY, "The sites whose journals are followed here: how far, and whether they "
     "answer.", api_pass_on, "sites.status", AT_ONCE, .answer = "Peers"},

    {HTTP_GET, "/journal", ANY, "Events of the journal, a page at a time.", api_get_journal,
     .query = QUERY(&from, &to, &type, &object, &actor, &limit), .answer = "Journal"},
    {HTTP_GET, "/journal/checkpoint", ANY, "The newest signed checkpoint of the journal, and who has "
     "countersigned it.", api_pass_on, "journal.checkpoint", .answer = "JournalCheckpoint"},
    {HTTP_GET, "/events", ANY, "Events as they happen, as server-sent events.", api_get_events,
     .query = QUERY(&from, &type), .answer = "Events"},
    {HTTP_GET, "/login", ANY, "What a client has to know to log in.", api_get_login,
     .answer = "LoginInfo", .open = true},
    {HTTP_POST, "/session", ANY, "Opens a session, for a token of the identity provider or a code of "
     "its authorization endpoint.", api_post_session, .body = "Login", .body_size = 65536,
     .answer = "SessionOpened", .status = 201, .open = true},
    {HTTP_GET, "/sessions", ANY, "Sessions there are: all of them for who guards or audits, one's own "
     "for others.", api_list_sessions, .answer = "Sessions"},
    {HTTP_DELETE, "/sessions/{session}", ANY, "Ends a session at once: SECADM any, others their own.",
     api_delete_session, .revokes = true},
    {HTTP_GET, "/break-glass", AUDITORS, "Which break-glass codes are sealed, by whom, and which were "
     "used.", api_list_break_glass, .answer = "BreakGlass"},
    {HTTP_POST, "/break-glass", ROLE(SECADM), "Seals a code anew: it is said once.",
     api_post_break_glass, .body = "SealRequest", .answer = "Sealed", .status = 201},
    {HTTP_POST, "/break-glass/session", ANY, "Opens a session by a break-glass code, which is used up "
     "then; everybody is told first.", api_post_break_glass_session, "exception.raise",
     .body = "BreakGlassLogin", .body_size = 65536, .answer = "SessionOpened", .status = 201,
     .open = true},
    {HTTP_GET, "/users", AUDITORS, "Who holds which roles.", api_list_users, .answer = "Users"},
    {HTTP_GET, "/users/{person}", AUDITORS, "Which roles one person holds.", api_get_user,
     .answer = "User"},
    {HTTP_PUT, "/users/{person}", ROLE(SECADM), "Says which roles a person holds.", api_put_user,
     .body = "Grant"},
    {HTTP_DELETE, "/users/{person}", ROLE(SECADM), "Takes all roles from a person, who is nobody "
     "then.", api_delete_user, .subject = NULL},
};
/* clang-format on */

const size_t route_table_size = ARRAY_SIZE(route_table);
