#include "gateway/components.h"

#include "base/alloc.h"
#include "gateway/identity.h"
#include "io/jsontext.h"

#include <stdlib.h>
#include <string.h>

/* Quotes are single in the texts of this file, and @Name stands for a reference to a component. */

#define NUMBER "{'type': 'integer', 'minimum': 0}"
#define TEXT "{'type': 'string'}"
#define FLAG "{'type': 'boolean'}"
#define TIME "{'type': 'string', 'format': 'date-time'}"
#define OBJECT(properties) "{'type': 'object', 'properties': {" properties "}}"
#define LIST(items) "{'type': 'array', 'items': " items "}"
/* The first of so many. */
#define COUNTED(items) OBJECT("'n': " NUMBER ", 'list': " LIST(items))
/* Nothing else may be in it, and `required` has to. */
#define CLOSED(required, properties)                                                               \
    "{'type': 'object', 'additionalProperties': false, 'required': [" required                     \
    "], 'properties': {" properties "}}"
/* Whether something could be found out, or works; why not, if not. */
#define KNOWN(more) OBJECT("'ok': " FLAG ", 'why': " TEXT more)

/* clang-format off */
static const struct {
    const char *name, *text;
} written[] = {
    /* ---- words and numbers */
    {"Name",
        "{'type': 'string', 'minLength': 1, 'maxLength': 63, 'format': 'name',"
        " 'pattern': '^[A-Za-z0-9][A-Za-z0-9._-]*$', 'description': 'Name of an object.'}"},
    {"Text",
        "{'type': 'string', 'minLength': 1, 'maxLength': 255, 'format': 'text',"
        " 'description': 'One line of free text.'}"},
    {"Person",
        "{'type': 'string', 'minLength': 1, 'maxLength': 127,"
        " 'pattern': '^[A-Za-z0-9][A-Za-z0-9._@/-]*$', 'description':"
        " 'Login name of a person, or the name in the certificate of a machine.'}"},
    {"Id", "{'type': 'integer', 'minimum': 1, 'maximum': 4294967295}"},

    /* ---- the API itself */
    {"Nothing", CLOSED("", "")},
    {"Problem",
        "{'type': 'object', 'description': 'Why a request is not carried out (RFC 9457).',"
        " 'required': ['status'], 'properties': {"
        " 'type': " TEXT ", 'title': " TEXT ", 'status': " NUMBER ", 'detail': " TEXT ","
        " 'instance': " TEXT ","
        " 'err': {'type': 'string', 'description': 'Name of the error: ERR_CONFLICT.'},"
        " 'field': {'type': 'string', 'description':"
        "   'JSON pointer to what is wrong in the body, or name of the parameter that is.'},"
        " 'needed': {'type': 'array', 'items': @Role, 'description':"
        "   'Any of these roles would do.'},"
        " 'findings': " LIST("@Finding") ", 'report': @Report}}"},
    {"OpenApi", "{'type': 'object'}"},
    {"Whoami",
        OBJECT("'name': @Person, 'roles': " LIST("@Role") ", 'site': @Name, 'version': " TEXT ","
               " 'right': " OBJECT("'kind': {'type': 'string', 'enum': ['certificate', 'session',"
               " 'break-glass']}, 'id': {'type': 'string', 'description': 'Serial number of the"
               " certificate, or the id of the session.'}, 'issuer': " TEXT ", 'until': " TIME))},
    {"Health",
        OBJECT("'ok': " FLAG ", 'journal': " KNOWN(", 'seq': " NUMBER) ", 'users': " KNOWN("") ","
               " 'nodes': " OBJECT("'adopted': " NUMBER ", 'known': " NUMBER ", 'why': " TEXT) ","
               " 'orders-open': " NUMBER ", 'exceptions-open': " NUMBER)},

    /* ---- the model */
    {"CircuitStatus",
        OBJECT("'phase': {'type': 'string', 'enum': ['proposed', 'reserved', 'building', 'built',"
               " 'active', 'removing']}, 'order': " NUMBER ", 'since': " TIME ","
               " 'build-time-ns': " NUMBER ", 'design': @Design, 'carriers': {'type': 'array',"
               " 'description': 'The tunnels through the WAN that its paths go by.',"
               " 'items': @Carrier}")},
    {"Carrier",
        "{'allOf': [@TunnelStatus, " OBJECT("'tunnel': @Name") "]}"},
    {"TunnelStatus",
        OBJECT("'phase': {'type': 'string', 'enum': ['proposed', 'reserved', 'building', 'built',"
               " 'active', 'removing']}, 'order': " NUMBER ", 'number': " NUMBER ", 'since': " TIME ","
               " 'build-time-ns': " NUMBER ", 'moved': " TIME ", 'n-moved': " NUMBER ","
               " 'reason': " TEXT ", 'for-circuits': " FLAG ", 'circuits': " LIST("@Name") ","
               " 'gave-way': " FLAG ","
               " 'primary': @TunnelPath, 'standby': @TunnelPath")},
    {"VpnStatus",
        OBJECT("'phase': {'type': 'string', 'enum': ['proposed', 'reserved', 'building', 'built',"
               " 'active', 'removing']}, 'order': " NUMBER ", 'since': " TIME ", 'version': " NUMBER ","
               " 'build-time-ns': " NUMBER ", 'versions': " LIST(OBJECT("'number': " NUMBER ","
               " 'order': " NUMBER ", 'time': " TIME ", 'applied': " FLAG)))},
    {"TunnelPath",
        OBJECT("'links': " LIST(TEXT) ", 'routers': " LIST(TEXT) ", 'latency-us': " NUMBER ","
               " 'latency-back-us': " NUMBER ", 'metric': " NUMBER ", 'labels': " LIST(NUMBER) ","
               " 'labels-back': " LIST(NUMBER))},
    {"NodeState",
        OBJECT("'state': {'type': 'string', 'enum': ['adopted', 'absent', 'refused']},"
               " 'in-sync': " FLAG ", 'rules': {}, 'agent': " FLAG ", 'reason': " TEXT ","
               " 'ports': " LIST("@PortState"))},
    {"PortState",
        OBJECT("'number': " NUMBER ", 'name': " TEXT ", 'up': " FLAG ", 'live': " FLAG ","
               " 'said': {'type': 'object', 'description': 'What the agent of the node has said.',"
               " 'properties': {'up': " FLAG ", 'live': " FLAG ", 'reason': {'type': 'string',"
               " 'enum': ['', 'down', 'silent', 'not-heard', 'peer-ended', 'peer-restarted',"
               " 'held', 'waits']}}}, 'speed-kbps': " NUMBER ", 'link': @Name, 'host': @Name")},
    {"LinkState",
        OBJECT("'state': {'type': 'string', 'enum': ['up', 'down', 'not-seen']},"
               " 'seen': " LIST("@Name") ", 'held': " FLAG ", 'reason': {'type': 'string',"
               " 'description': 'Why it is down or not used, in words; absent if it is neither.'}")},
    {"Sites", OBJECT("'sites': " LIST("@Site"))},
    {"Nodes", OBJECT("'nodes': " LIST("@Node") ", 'live': " KNOWN(""))},
    {"Links", OBJECT("'links': " LIST("@Link") ", 'unexpected': " LIST("{}") ","
                     " 'live': " KNOWN(""))},
    {"Hosts", OBJECT("'hosts': " LIST("@Host"))},
    {"Routers", OBJECT("'routers': " LIST("@Router"))},
    {"Tunnels", OBJECT("'tunnels': " LIST("@Tunnel"))},
    {"Vpns", OBJECT("'vpns': " LIST("@Vpn"))},
    {"Circuits", OBJECT("'circuits': " LIST("@Circuit"))},
    {"Finding",
        OBJECT("'severity': {'type': 'string', 'enum': ['error', 'warning', 'info']},"
               " 'code': " TEXT ", 'kind': " TEXT ", 'object': " TEXT ", 'field': " TEXT ","
               " 'file': " TEXT ", 'line': " NUMBER ", 'column': " NUMBER ", 'text': " TEXT)},
    {"ReportRow",
        OBJECT("'action': {'type': 'string', 'enum':"
               " ['created', 'changed', 'unchanged', 'none', 'error']},"
               " 'kind': " TEXT ", 'name': " TEXT ", 'field': " TEXT ", 'file': " TEXT ","
               " 'line': " NUMBER ", 'column': " NUMBER ", 'text': " TEXT ","
               " 'changes': " LIST(TEXT))},
    {"Report",
        "{'type': 'object', 'description': 'What an import did, or would do; of an SCD file also"
        " the circuits it proposes.', 'properties': {"
        " 'dry-run': " FLAG ", 'applied': " FLAG ", 'created': " NUMBER ", 'changed': " NUMBER ","
        " 'unchanged': " NUMBER ", 'errors': " NUMBER ", 'rows': " LIST("@ReportRow") ","
        " 'findings': " LIST("@Finding") ", 'circuits': " LIST("{}") "}}"},
    {"Files",
        CLOSED("'files'", "'files': {'type': 'array', 'minItems': 1, 'maxItems': 256, 'items': "
               CLOSED("'name', 'text'", "'name': @Text, 'text': " TEXT) "}")},
    {"WhatIfRequest",
        CLOSED("'circuits'",
               "'circuits': {'type': 'array', 'minItems': 1, 'maxItems': 1000, 'items':"
               " {'anyOf': [@Name, @Circuit]}}")},
    {"FitRequest",
        CLOSED("'circuits'",
               "'circuits': {'type': 'array', 'minItems': 1, 'maxItems': 10000, 'items':"
               " {'anyOf': [@Name, @Circuit]}}, 'orders': {'type': 'boolean', 'description':"
               " 'Count also how many would fit in other orders.'}")},
    {"Fit",
        OBJECT("'n': " NUMBER ", 'n-fit': " NUMBER ", 'rate-kbps': " NUMBER ","
               " 'orders': " LIST(OBJECT("'order': " TEXT ", 'n-fit': " NUMBER ", 'rate-kbps': " NUMBER))
               ", 'circuits': " LIST(OBJECT("'circuit': @Name, 'fits': " FLAG ", 'limit': " TEXT ","
                                            " 'reason': " TEXT ", 'links': " LIST("@Name")))
               ", 'links': " LIST(OBJECT("'link': @Name, 'capacity-kbps': " NUMBER ","
                                         " 'before-kbps': " NUMBER ", 'after-kbps': " NUMBER ","
                                         " 'limits': " NUMBER)))},
    {"BoundsOfState",
        "{'type': 'object', 'description': 'Whole microseconds; null: there is no bound.',"
        " 'properties': {'worst-us': {'type': 'integer', 'nullable': true},"
        " 'best-us': {'type': 'integer', 'nullable': true},"
        " 'jitter-us': {'type': 'integer', 'nullable': true},"
        " 'asymmetry-us': {'type': 'integer', 'nullable': true},"
        " 'costliest': " OBJECT("'node': @Name, 'port': " NUMBER ","
                                " 'us': {'type': 'integer', 'nullable': true}") "}}"},
    {"Bounds",
        OBJECT("'circuit': @Name, 'budget-us': " NUMBER ", 'asymmetry-budget-us': " NUMBER ","
               " 'normal': @BoundsOfState,"
               " 'failure': @BoundsOfState")},
    {"WhatIf",
        "{'type': 'object', 'description': 'From `design` on only as far as it got.', 'properties':"
        " {'ok': " FLAG ", 'findings': " LIST("@Finding") ", 'design': " LIST("@Design") ","
        " 'size': " OBJECT("'nodes': " NUMBER ", 'flows': " NUMBER ", 'groups': " NUMBER ","
                           " 'meters': " NUMBER) ", 'bounds': " LIST("@Bounds") ","
        " 'changes': " LIST(TEXT) ", 'n-changes': " NUMBER
        "}}"},

    {"ModelRequest",
        CLOSED("",
               "'remove': " LIST(CLOSED("'kind', 'name'", "'kind': {'type': 'string', 'enum':"
                                        " ['site', 'node', 'link', 'host', 'circuit']},"
                                        " 'name': @Name"))
               ", 'files': {'type': 'array', 'maxItems': 100, 'items': "
               CLOSED("'name', 'text'", "'name': @Text, 'text': " TEXT) "},"
               " 'format': {'type': 'string', 'enum': ['csv', 'json']},"
               " 'fail': " LIST(CLOSED("'kind', 'name'", "'kind': {'type': 'string', 'enum':"
                                       " ['link', 'node', 'shared-risk']}, 'name': @Text"))
               ", 'design': " LIST("@Name") ", 'redesign': " FLAG ", 'each-failure': " FLAG)},
    {"Model",
        "{'type': 'object', 'description': 'From `circuits` on only as far as it got; lists have at"
        " most 200 entries, `n` counts all.', 'properties': {'ok': " FLAG ","
        " 'changes': " COUNTED("{'type': 'object'}") ", 'findings': " LIST("@Finding") ","
        " 'circuits': " COUNTED("{'type': 'object'}") ", 'size': " OBJECT("'nodes': " NUMBER ","
        " 'flows': " NUMBER ", 'groups': " NUMBER ", 'meters': " NUMBER) ","
        " 'proof': {'type': 'object'}, 'bounds': {'type': 'object'},"
        " 'difference': " OBJECT("'circuits': " COUNTED("{'type': 'object'}") ","
        " 'nodes': " COUNTED("{'type': 'object'}") ", 'rules-added': " NUMBER ","
        " 'rules-removed': " NUMBER ", 'rules-changed': " NUMBER) ","
        " 'utilisation': " COUNTED("{'type': 'object'}") ", 'failure': " COUNTED("{'type': 'object'}")
        ", 'failures': " COUNTED("{'type': 'object'}") "}}"},

    /* ---- work */
    {"Workflows",
        OBJECT("'workflows': " LIST(OBJECT("'name': @Name, 'title': " TEXT ","
                                           " 'description': " TEXT ", 'input': {}")))},
    {"Orders", OBJECT("'orders': " LIST("@Order"))},
    {"OrderRequest",
        CLOSED("'workflow', 'input'",
               "'workflow': @Name, 'input': {'type': 'object'}, 'comment': @Text")},
    {"OrderCreated", OBJECT("'id': @Id")},
    {"Decision",
        CLOSED("'decision', 'hash'",
               "'decision': {'type': 'string', 'enum': ['approve', 'refuse']},"
               " 'hash': {'type': 'string', 'minLength': 64, 'maxLength': 64, 'description':"
               "   'Of what is decided on, as the order shows it: if that has changed, the decision"
               " does not count.'},"
               " 'role': @Role, 'step': @Name, 'comment': @Text")},
    {"Comment", CLOSED("", "'comment': @Text")},
    {"Reason", CLOSED("'reason'", "'reason': @Text")},

    /* ---- what sensors tell */
    {"AlertId",
        "{'type': 'string', 'maxLength': 95, 'pattern':"
        " '^[A-Za-z0-9][A-Za-z0-9._-]*/[1-9][0-9]*$', 'description': 'SENSOR/NUMBER.'}"},
    {"AlertSeverity", "{'type': 'string', 'enum': ['low', 'medium', 'high', 'critical']}"},
    {"AlertState", "{'type': 'string', 'enum': ['open', 'closed']}"},
    {"Sensors",
        OBJECT("'sensors': " LIST(OBJECT("'name': @Name, 'site': " TEXT ", 'state': {'type':"
               " 'string', 'enum': ['there', 'lost']}, 'since': " TIME ", 'reason': " TEXT ","
               " 'version': " TEXT ", 'address': " TEXT ", 'dropped': " NUMBER)))},
    {"AlertEnd",
        "{'type': 'object', 'nullable': true, 'properties': {'address': " TEXT ", 'mac': " TEXT ","
        " 'port': " NUMBER "}}"},
    {"Alert",
        "{'type': 'object', 'description': 'As the sensor said it, and what became of it; in lists"
        " without explanation, playbook, evidence and similar.', 'properties': {"
        " 'id': @AlertId, 'site': " TEXT ", 'rule': @Name, 'number': " NUMBER ", 'title': " TEXT ","
        " 'severity': @AlertSeverity, 'techniques': " LIST(TEXT) ", 'source': @AlertEnd,"
        " 'target': @AlertEnd, 'protocol': {}, 'circuit': {}, 'explanation': {},"
        " 'playbook': " LIST(TEXT) ", 'evidence': {}, 'first': " TIME ", 'last': " TIME ","
        " 'recorded': " TIME ", 'count': " NUMBER ", 'seq': " NUMBER ", 'incident': {},"
        " 'similar': " LIST("@AlertId") ", 'state': @AlertState, 'closed': " TIME ","
        " 'closed-by': " TEXT ", 'closed-reason': " TEXT "}}"},
    {"Alerts", OBJECT("'alerts': " LIST("@Alert") ", 'left-out': " NUMBER)},
    {"Incidents",
        OBJECT("'incidents': " LIST(OBJECT("'id': " TEXT ", 'site': " TEXT ","
               " 'alerts': " LIST("@AlertId") ", 'rules': " LIST(TEXT) ","
               " 'techniques': " LIST(TEXT) ", 'addresses': " LIST(TEXT) ","
               " 'severity': @AlertSeverity, 'state': @AlertState, 'first': " TIME ","
               " 'last': " TIME)))},
    {"Assets",
        "{'type': 'object', 'description': 'Devices; or a table of them as a file.', 'properties':"
        " {'assets': " LIST(OBJECT("'address': " TEXT ", 'member': " NUMBER ", 'mac': " TEXT ","
               " 'site': " TEXT ", 'sensor': " TEXT ", 'first': " TIME ", 'last': " TIME ","
               " 'roles': " LIST(TEXT) ", 'protocols': {'type': 'object'}")) ","
        " 'files': " LIST(OBJECT("'name': " TEXT ", 'text': " TEXT)) "}}"},
    {"Traffic",
        OBJECT("'site': " TEXT ", 'from': {'type': 'string', 'format': 'date-time', 'description':"
               " 'What is counted begins here: not before its program did.'}, 'to': " TIME ","
               " 'series': {'type': 'array', 'description': 'Ten minutes each, all together.',"
               " 'items': " OBJECT("'from': " TIME ", 'packets': " NUMBER ", 'octets': " NUMBER ","
               " 'rate-bps': " NUMBER) "},"
               " 'conversations': " LIST(OBJECT("'sensor': " TEXT ","
               " 'from': " TEXT ", 'to': " TEXT ", 'port': " NUMBER ", 'transport': " TEXT ","
               " 'protocol': " TEXT ", 'packets': " NUMBER ", 'octets': " NUMBER ","
               " 'first': " TIME ", 'last': " TIME ", 'rate-bps': " NUMBER ", 'peak-bps': {'type':"
               " 'integer', 'description': 'Of its busiest ten minutes.'}, 'now-bps': {'type':"
               " 'integer', 'description': 'Of the last minute that was told.'}")) ","
               " 'left-out': " NUMBER)},

    {"Vulnerability",
        "{'type': 'object', 'description': 'What one of the vulnerabilities of an advisory has that"
        " its gravest has not.', 'properties': {'cve': " TEXT ", 'name': " TEXT ","
        " 'score': {'type': 'number'}, 'severity': " TEXT ", 'status': " TEXT ","
        " 'confidence': " NUMBER ", 'product': " TEXT ", 'reason': " TEXT ", 'remedy': " TEXT ","
        " 'url': " TEXT "}}"},
    {"Vulnerabilities",
        "{'type': 'object', 'description': 'Of a device and an advisory each; or a table of them as a"
        " file.', 'properties': {'vulnerabilities': " LIST(OBJECT("'site': " TEXT ","
        " 'sensor': @Name, 'address': " TEXT ", 'member': " NUMBER ", 'vendor': " TEXT ","
        " 'model': " TEXT ", 'order-code': " TEXT ", 'firmware': " TEXT ", 'advisory': " TEXT ","
        " 'publisher': " TEXT ", 'title': " TEXT ", 'cves': " LIST(TEXT) ", 'score': {'type':"
        " 'number', 'description': 'Of CVSS, the highest.'}, 'severity': " TEXT ","
        " 'status': {'type': 'string', 'enum': ['affected', 'may be affected',"
        " 'under investigation']}, 'confidence': {'type': 'integer', 'description':"
        " 'Per cent, that this device is meant.'}, 'product': " TEXT ", 'reason': " TEXT ","
        " 'remedy': " TEXT ", 'url': " TEXT ", 'vulnerabilities': " LIST("@Vulnerability") ","
        " 'left-out': " NUMBER ", 'since': " TIME ", 'recorded': " TIME)) ","
        " 'left-out': " NUMBER ", 'files': " LIST(OBJECT("'name': " TEXT ", 'text': " TEXT)) "}}"},
    {"Verdict",
        OBJECT("'verdict': {'type': 'string', 'enum': ['approved', 'forgotten']}, 'by': " TEXT ","
               " 'why': " TEXT ", 'at': " TIME)},
    {"HabitFunction",
        OBJECT("'function': " NUMBER ", 'name': " TEXT ", 'act': " TEXT ", 'messages': " NUMBER ","
               " 'first': " TIME ", 'last': " TIME ", 'objects': {'type': 'integer', 'description':"
               " 'How many it was about, estimated.'}, 'range': {'type': 'object', 'description':"
               " 'From and to of each number that names an object.', 'additionalProperties': "
               LIST("{'type': 'number'}") "}, 'examples': {'type': 'array', 'items': " TEXT ","
               " 'description': 'Objects that have texts for names, the first of them.'},"
               " 'values': {'type': 'array', 'items': {'type': 'number'}, 'description':"
               " 'The lowest and the highest.'}, 'period': {'type': 'number', 'description':"
               " 'Seconds.'}, 'jitter': {'type': 'number', 'description': 'Seconds; mean deviation"
               " from the period.'}, 'verdict': @Verdict")},
    {"Habit",
        OBJECT("'sensor': @Name, 'client': " TEXT ", 'server': " TEXT ", 'port': " NUMBER ","
               " 'protocol': " TEXT ", 'first': " TIME ", 'last': " TIME ", 'messages': " NUMBER ","
               " 'refused': " NUMBER ", 'octets': " NUMBER ", 'other-functions': {'type': 'integer',"
               " 'description': 'Messages of functions that found no room.'}, 'sure': {'type':"
               " 'integer', 'description': 'Per cent: the chance that the next message is of a"
               " function that there was before.'}, 'verdict': @Verdict,"
               " 'functions': " LIST("@HabitFunction"))},
    {"Habits",
        OBJECT("'site': " TEXT ", 'sensor': @Name, 'pairs': " NUMBER ", 'left-out': {'type':"
               " 'integer', 'description': 'Messages of pairs that found no room.'},"
               " 'learned': " OBJECT("'learning': " FLAG ", 'learned-s': " NUMBER ","
               " 'learn-s': " NUMBER ", 'until': {'type': 'string', 'format': 'date-time',"
               " 'description': 'If it hears something all the time.'}, 'verdicts': " NUMBER ","
               " 'rules': " LIST(OBJECT("'rule': @Name, 'seen': " NUMBER ", 'once': " NUMBER ","
               " 'sure': {'type': 'integer', 'description': 'Per cent, that something new is new"
               " indeed.'}"))) ","
               " 'habits': " LIST("@Habit") ", 'missing': " LIST(OBJECT("'sensor': @Name,"
               " 'reason': " TEXT)) ", 'next': {'type': 'string', 'description': 'There is more:"
               " `after` of the next page.'}")},
    {"HabitOrder",
        CLOSED("'client', 'server', 'reason'",
               "'sensor': {'type': 'string', 'minLength': 1, 'maxLength': 63, 'pattern':"
               " '^[A-Za-z0-9][A-Za-z0-9._-]*$', 'description': 'If the site has several.'},"
               " 'client': @Text, 'server': @Text, 'protocol': @Text,"
               " 'function': {'description': 'Its name, or its number; with a protocol.',"
               " 'anyOf': [@Text, {'type': 'integer', 'minimum': 0, 'maximum': 4294967295}]},"
               " 'reason': @Text")},
    {"HabitOrdered",
        OBJECT("'sensor': @Name, 'kept': {'type': 'boolean', 'description': 'Over restarts of the"
               " sensor: it has a baseline.'}")},

    /* ---- what sites decide by themselves */
    {"LocalRequest",
        CLOSED("'comment'", "'comment': @Text, 'hours': {'type': 'integer', 'minimum': 1,"
               " 'maximum': 168, 'description': 'As long as the control centre allows, if it is not"
               " said.'}, 'even-if-connected': {'type': 'boolean', 'description':"
               " 'Though the control centre can be reached.'}")},
    {"LocalComment", CLOSED("'comment'", "'comment': @Text")},
    {"LocalAgreement",
        CLOSED("'hash'", "'hash': {'type': 'string', 'pattern': '^[0-9a-f]{64}$', 'description':"
               " 'Of what was proposed, as it was looked at.'}, 'comment': @Text")},
    {"LocalVoice",
        OBJECT("'by': @Person, 'time': " TIME ", 'role': " TEXT ", 'right': " TEXT ","
               " 'comment': " TEXT ", 'reason': " TEXT ", 'text': " TEXT)},
    {"LocalWork",
        OBJECT("'id': @Id, 'action': {'type': 'string', 'enum': ['stop', 'build']},"
               " 'circuit': @Name, 'site': @Name, 'state': {'type': 'string', 'enum':"
               " ['waiting', 'holds', 'over']}, 'reason': {'type': 'string', 'description':"
               " 'Why it is over: resumed, centre, expired, conflict, policy, elsewhere.'},"
               " 'until': " TIME ", 'hash': " TEXT ", 'based-on': {'type': 'integer',"
               " 'description': 'The last event of the control centre that was known.'},"
               " 'asked': @LocalVoice, 'agreed': @LocalVoice, 'ended': @LocalVoice,"
               " 'ended-by-centre': @LocalVoice, 'conflict': "
               OBJECT("'seq': " NUMBER ", 'type': " TEXT ", 'time': " TIME ", 'order': " NUMBER))},
    {"Local",
        OBJECT("'works': " LIST("@LocalWork") ", 'policy': {'type': 'string', 'enum':"
               " ['none', 'disable', 'all']}, 'hours': " NUMBER ", 'conflict': {'type': 'string',"
               " 'enum': ['centre-wins', 'local-stays']}, 'cut-off': {'type': 'boolean',"
               " 'description': 'At a site: the control centre cannot be reached.'}")},

    /* ---- assurance */
    {"CircuitFingerprint",
        OBJECT("'circuit': @Name, 'time': " TIME ", 'entries': " LIST("@Fingerprint"))},
    {"TestRequest",
        CLOSED("", "'paths': {'type': 'array', 'minItems': 1, 'maxItems': 2, 'items':"
                   " {'type': 'string', 'enum': ['primary', 'failover']}}")},
    {"TestResult",
        OBJECT("'ok': " FLAG ", 'entries': " LIST("@Fingerprint") ", 'findings': " LIST(TEXT))},
    {"Assurance", OBJECT("'interval-ms': " NUMBER ", 'circuits': " LIST("{'type': 'object'}") ","
                     " 'tests': " LIST("{'type': 'object'}"))},
    {"Exceptions", OBJECT("'exceptions': " LIST("@Exception"))},

    /* ---- nodes */
    {"Rules", OBJECT("'flows': " LIST("{}") ", 'groups': " LIST("{}") ", 'meters': " LIST("{}"))},
    {"Repair",
        OBJECT("'added': " NUMBER ", 'removed': " NUMBER ", 'changed': " NUMBER ","
               " 'duration-ns': " NUMBER)},
    {"ReleasePort",
        CLOSED("", "'port': {'type': 'integer', 'minimum': 1, 'maximum': 4294967040}")},
    {"RpcRequest",
        CLOSED("'method'",
               "'method': {'type': 'string', 'enum':"
               " ['edge.status', 'edge.ports', 'edge.queues', 'edge.stats', 'edge.clock', 'edge.trace',"
               " 'edge.metrics', 'edge.top', 'edge.redundancy']},"
               " 'params': {'type': 'object'}")},
    {"CaptureRequest",
        CLOSED("'method'",
               "'method': {'type': 'string', 'enum':"
               " ['edge.capture-start', 'edge.capture-read', 'edge.capture-stop']},"
               " 'params': {'type': 'object'}")},
    {"RpcAnswer", "{'type': 'object', 'description': 'As doc/edge.md says of the method.'}"},
    {"WanNodes", OBJECT("'nodes': " LIST("{'type': 'object'}"))},
    {"WanLinks", OBJECT("'links': " LIST("{'type': 'object'}"))},
    {"WanSources", OBJECT("'sources': " LIST("{'type': 'object'}") ", 'overrides': "
               LIST("{'type': 'object'}"))},
    {"WanFindings", OBJECT("'findings': " LIST(OBJECT("'finding': " TEXT ", 'object': " TEXT ","
               " 'text': " TEXT ", 'since-s': {'type': 'number'}")))},
    {"WanRouters", OBJECT("'routers': " LIST("{'type': 'object'}"))},
    {"WanLsps", OBJECT("'lsps': " LIST("{'type': 'object'}") ", 'total': " NUMBER ","
               " 'next': " NUMBER)},
    {"WanPathRequest", CLOSED("'tunnel'", "'tunnel': {'type': 'object'}")},
    {"WanPath", OBJECT("'primary': @TunnelPath, 'standby': @TunnelPath, 'pushes-aside': "
               LIST("@Name"))},
    {"WanDrain", CLOSED("'element', 'reason'", "'element': @Text, 'reason': @Text")},
    {"WanRestore", CLOSED("'element'", "'element': @Text")},
    {"WanResync", CLOSED("'router'", "'router': @Text")},
    {"WanResynced", OBJECT("'address': " TEXT ", 'lsps': " NUMBER)},
    {"WanMoved", OBJECT("'moved': " NUMBER ", 'left': " NUMBER ", 'links': " NUMBER ", 'nodes': " NUMBER ","
               " 'rows': " NUMBER)},
    {"WanWhatIf", OBJECT("'tunnels': " NUMBER ", 'failures': " NUMBER ", 'highest-utilisation':"
               " {'type': 'number'}, 'worst': " LIST("{'type': 'object'}"))},
    {"VpnDryRunRequest", CLOSED("", "'version': {'type': 'integer', 'minimum': 1, 'description':"
                                    " 'The earlier version; what is stated if it is absent.'}")},
    {"VpnDryRun",
        OBJECT("'vpn': @Name, 'hash': " TEXT ", 'from-version': " NUMBER ", 'to-version': " NUMBER ","
               " 'not-tried': " TEXT ", 'routers': " LIST(OBJECT("'router': @Name, 'platform': " TEXT ","
               " 'config': " TEXT ", 'gaps': " LIST(TEXT) ", 'dry-run': " TEXT ", 'text': " TEXT ","
               " 'edit': " TEXT)))},
    {"VpnDrift",
        OBJECT("'vpn': @Name, 'ok': " FLAG ", 'reached': " FLAG ", 'works': " FLAG ","
               " 'routers': " LIST(OBJECT("'router': @Name, 'ok': " FLAG ", 'reason': " TEXT ","
               " 'differences': " LIST(TEXT) ", 'faults': " LIST(TEXT))))},
    {"VpnRestored", OBJECT("'vpn': @Name, 'routers': " LIST(OBJECT("'router': @Name,"
               " 'outcome': " TEXT ", 'text': " TEXT)))},
    {"WanOptimiseRequest", CLOSED("", "'keep-priority': {'type': 'integer', 'minimum': 0, 'maximum': 8,"
               " 'description': 'Tunnels with a hold priority below (better than) this stay; 1.'}")},
    {"WanRelieveRequest", CLOSED("", "'threshold': {'type': 'number', 'minimum': 1, 'maximum': 1000,"
               " 'description': 'Percent of what a link can have reserved; 100.'}, 'keep-priority':"
               " {'type': 'integer', 'minimum': 0, 'maximum': 8}")},
    {"WanUtilisation", OBJECT("'highest-utilisation': {'type': 'number'}, 'fullest': " TEXT
               ", 'above': " NUMBER)},
    {"WanOver", OBJECT("'link': " TEXT ", 'over-bps': " NUMBER)},
    {"WanMoves",
        OBJECT("'moves': " NUMBER ", 'tunnels': " LIST("@Name") ", 'plan': {'type': 'object'},"
               " 'plan_hash': " TEXT ", 'summary': "
               OBJECT("'n': " NUMBER ", 'fixed': " NUMBER ", 'threshold': {'type': 'number'},"
               " 'bound': {'type': 'number', 'description': 'No routing has less.'},"
               " 'fewest': " FLAG ", 'element': " TEXT ", 'aside': " NUMBER ", 'stuck': "
               LIST(OBJECT("'tunnel': @Name, 'path': " TEXT ", 'why': " TEXT)) ", 'close': " LIST("@Name") ","
               " 'before': @WanUtilisation, 'after': @WanUtilisation,"
               " 'left': " LIST("@WanOver") ", 'moves': "
               LIST(OBJECT("'step': " NUMBER ", 'tunnel': @Name, 'path': " TEXT ", 'from': "
               LIST("@Name") ", 'to': " LIST("@Name") ", 'latency-us': " NUMBER ", 'interim': "
               FLAG ", 'overlap': " LIST("@WanOver") ", 'highest-utilisation': {'type':"
               " 'number'}"))))},
    {"WanTreeRequest", CLOSED("'root', 'leaves'", "'root': @Name, 'leaves': {'type': 'array', 'items':"
               " @Name, 'minItems': 1, 'maxItems': 1000}, 'rate-kbps': " NUMBER ", 'max-latency-us': "
               NUMBER ", 'metric': {'type': 'string', 'enum': ['igp', 'te', 'delay', 'hops']},"
               " 'priority': {'type': 'integer', 'minimum': 0, 'maximum': 7}")},
    {"WanTree", OBJECT("'root': @Name, 'cost': " NUMBER ", 'links': "
               LIST(OBJECT("'link': " TEXT ", 'from': " TEXT ", 'to': " TEXT)) ", 'paths': "
               LIST(OBJECT("'leaf': @Name, 'routers': " LIST(TEXT) ", 'links': " LIST(TEXT) ","
               " 'metric': " NUMBER ", 'latency-us': " NUMBER)))},
    {"WanTopology", "{'type': 'object'}"},
    {"WanOptical", "{'type': 'object', 'description': 'A T-API context, as src/wan/feed_optical.h says.'}"},
    {"WanDelays", CLOSED("'delays'", "'by': " TEXT ", 'valid-s': {'type': 'integer', 'minimum': 1, 'maximum': 86400},"
               " 'delays': " LIST(CLOSED("'link', 'delay-us'", "'link': " TEXT ", 'delay-us': " NUMBER ","
               " 'jitter-us': " NUMBER)))},
    {"WanPlan", CLOSED("'text'", "'text': {'type': 'string', 'description': 'A table, as src/te/ted_import.h"
               " says.'}, 'file': {'type': 'string', 'description': 'What errors call it.'}")},
    {"Denied", OBJECT("'ports': " LIST("{'type': 'object'}"))},

    /* ---- the proof, and questions to it */
    {"Violation",
        OBJECT("'kind': {'type': 'string', 'enum': ['leak', 'loss', 'loop', 'unmetered', 'queue',"
               " 'twice', 'stray', 'unjudged']}, 'circuit': " TEXT ", 'node': " TEXT ","
               " 'rule': " TEXT ", 'packet': {'type': 'string', 'description': 'As it enters.'},"
               " 'path': " TEXT ", 'failure': {'type': 'string', 'description':"
               " 'What has failed; nothing, if it is not there.'}, 'text': " TEXT)},
    {"Proof",
        OBJECT("'ok': {'type': 'boolean', 'description': 'No violation, and every table was read"
               " and understood.'}, 'violations': " LIST("@Violation") ", 'n-violations': " NUMBER ","
               " 'circuits': " NUMBER ", 'rules': " NUMBER ", 'classes': " NUMBER ","
               " 'walks': " NUMBER ", 'failures': " NUMBER ", 'idle': " NUMBER ", 'text': " TEXT ","
               " 'unread': " LIST(OBJECT("'node': @Name, 'known-before': " FLAG)) ","
               " 'unjudged': " LIST(OBJECT("'node': @Name, 'rule': " TEXT)))},
    {"Conditions",
        OBJECT("'ok': {'type': 'boolean', 'description': 'None is broken or unknown.'},"
               " 'n': " NUMBER ", 'n-broken': " NUMBER ", 'n-unknown': " NUMBER ","
               " 'list': " LIST(OBJECT("'state': {'type': 'string', 'enum': ['broken', 'unknown',"
               " 'holds']}, 'node': " TEXT ", 'port': " NUMBER ", 'link': @Name, 'queue': " NUMBER ","
               " 'meter': " NUMBER ", 'circuit': @Name, 'needs': " TEXT ", 'seen': " TEXT ","
               " 'remedy': " TEXT)) ", 'elsewhere': {'type': 'object', 'description': 'Of a site: how"
               " many other controllers have to judge, by node.'}")},
    {"Peers",
        OBJECT("'site': @Name, 'role': {'type': 'string', 'enum': ['centre', 'site']},"
               " 'peers': " LIST(OBJECT("'site': @Name, 'number': " NUMBER ","
               " 'state': {'type': 'string', 'enum': ['level', 'behind', 'away', 'broken']},"
               " 'since': " TIME ", 'events': " NUMBER ", 'events-there': " NUMBER ","
               " 'why': " TEXT ", 'knows-of-us': " NUMBER)) ","
               " 'broker': " OBJECT("'connected': " FLAG ", 'since': " TIME ", 'reconnects': " NUMBER ","
               " 'last-error': " TEXT))},
    {"Reach",
        OBJECT("'from': @Name, 'to': @Name, 'protocol': " TEXT ", 'reaches': " FLAG ","
               " 'proved': " FLAG ","
               " 'ways': " LIST(OBJECT("'circuit': {'type': 'string', 'nullable': true},"
               " 'packet': " TEXT ", 'path': " TEXT ", 'rules': " LIST(TEXT))) ","
               " 'dropped': " OBJECT("'node': @Name, 'rule': {'type': 'string', 'nullable': true},"
                                     " 'packet': " TEXT))},
    {"WhoReaches",
        OBJECT("'to': @Name, 'proved': " FLAG ", 'from': " LIST(OBJECT("'host': @Name, 'circuits': "
               LIST(OBJECT("'circuit': @Name, 'packet': " TEXT ", 'arrives': " FLAG)))))},
    {"AffectedBy",
        OBJECT("'element': " TEXT ", 'proved': " FLAG ", 'fails-over': " LIST("@Name") ","
               " 'lost': " LIST("@Name") ", 'unprotected': " LIST("@Name"))},
    {"Matrix",
        OBJECT("'proved': " FLAG ", 'pairs': " LIST(OBJECT("'from': @Name, 'to': @Name,"
               " 'circuits': " LIST("@Name"))))},

    /* ---- the journal and the users */
    {"Event",
        OBJECT("'seq': " NUMBER ", 'epoch': " NUMBER ", 'time': " TIME ", 'type': " TEXT ","
               " 'object': " TEXT ", 'actor': " TEXT ", 'body': {'type': 'object'},"
               " 'prev-hash': {'type': 'string', 'description': 'That of the event before.'},"
               " 'hash': {'type': 'string', 'description': 'SHA-256, hexadecimal.'}")},
    {"Journal",
        "{'type': 'object', 'description': 'A page. `next` is where the next one begins; without it"
        " there is no more. A page can be empty and yet have a next one: so much is searched at a"
        " time, and no more.', 'properties': {"
        " 'identity': " OBJECT("'id': " TEXT ", 'site': " TEXT ", 'epoch': " NUMBER ","
                               " 'created': " TIME) ","
        " 'head': " OBJECT("'seq': " NUMBER ", 'epoch': " NUMBER ", 'time': " TIME ","
                           " 'hash': " TEXT) ","
        " 'events': " LIST("@Event") ", 'next': " NUMBER "}}"},
    {"JournalCheckpoint",
        OBJECT("'note': {'type': 'string', 'description': 'A signed note (C2SP tlog-checkpoint).'},"
               " 'events': " NUMBER ", 'made': " TIME ","
               " 'witnesses': " LIST(OBJECT("'site': @Name, 'events': " NUMBER ","
               " 'state': {'type': 'string', 'enum': ['countersigned', 'waiting', 'refused']},"
               " 'why': " TEXT)))},
    {"Events",
        "{'type': 'string', 'description': 'Server-sent events: `id` is the seq, `event` the type,"
        " `data` an Event.'}"},
    {"SessionId", "{'type': 'string', 'minLength': 1, 'maxLength': 32}"},
    {"LoginInfo",
        OBJECT("'site': @Name, 'provider': " FLAG ", 'issuer': " TEXT ", 'client-id': " TEXT ","
               " 'scope': " TEXT ", 'public-client': " FLAG ", 'authorization-endpoint': " TEXT ","
               " 'device-authorization-endpoint': " TEXT ", 'token-endpoint': " TEXT)},
    {"Login",
        "{'type': 'object', 'additionalProperties': false, 'oneOf': [{'required': ['token']},"
        " {'required': ['code', 'code-verifier', 'redirect-uri', 'nonce']}], 'properties': {"
        " 'token': {'type': 'string', 'minLength': 1, 'maxLength': 16384, 'description':"
        " 'An ID token or access token of the provider.'},"
        " 'nonce': {'type': 'string', 'minLength': 16, 'maxLength': 256, 'description':"
        " 'What the ID token must have in it.'},"
        " 'code': {'type': 'string', 'minLength': 1, 'maxLength': 4096, 'description':"
        " 'Of the authorization endpoint: the server redeems it.'},"
        " 'code-verifier': {'type': 'string', 'minLength': 43, 'maxLength': 128, 'description':"
        " 'RFC 7636.'}, 'redirect-uri': {'type': 'string', 'minLength': 1, 'maxLength': 1024}}}"},
    {"SessionOpened",
        OBJECT("'token': {'type': 'string', 'description': 'For Authorization: Bearer. It is said"
               " once, and kept nowhere.'}, 'id': @SessionId, 'person': @Person,"
               " 'roles': " LIST("@Role") ", 'until': " TIME ", 'idle-s': " NUMBER)},
    {"SealRequest",
        CLOSED("'roles'", "'name': @Name, 'roles': {'type': 'array', 'items': @Role, 'minItems': 1,"
                          " 'maxItems': 7}, 'session-s': {'type': 'integer', 'minimum': 60,"
                          " 'maximum': 86400}")},
    {"Sealed", OBJECT("'name': @Name, 'code': {'type': 'string', 'description': 'It is said once,"
                      " and kept nowhere.'}, 'roles': " LIST("@Role"))},
    {"BreakGlass",
        OBJECT("'codes': " LIST(OBJECT("'name': @Name, 'roles': " LIST("@Role") ","
               " 'session-s': " NUMBER ", 'sealed-by': @Person, 'sealed': " TIME ","
               " 'usable': " FLAG ", 'used': " TIME ", 'session': @SessionId")))},
    {"BreakGlassLogin",
        CLOSED("'code'", "'name': @Name, 'code': {'type': 'string', 'minLength': 1,"
                         " 'maxLength': 200}, 'reason': @Text")},
    {"Sessions",
        OBJECT("'sessions': " LIST(OBJECT("'id': @SessionId, 'person': @Person,"
               " 'right': {'type': 'string', 'enum': ['session', 'break-glass']},"
               " 'roles': " LIST("@Role") ", 'issuer': " TEXT ", 'subject': " TEXT ","
               " 'groups': " LIST(TEXT) ", 'address': " TEXT ", 'opened': " TIME ", 'until': " TIME ","
               " 'last-used': " TIME ", 'idle-s': " NUMBER)))},
    {"Grant",
        CLOSED("'roles'", "'roles': {'type': 'array', 'items': @Role, 'maxItems': 7},"
                          " 'sites': {'type': 'array', 'items': @Name, 'maxItems': 1000}")},
    {"User", OBJECT("'name': @Person, 'roles': " LIST("@Role") ", 'sites': " LIST("@Name") ","
                    " 'granted-by': {'type': 'string', 'description': 'Who said so over the API;"
                    " without it somebody wrote it into the file.'}, 'granted': " TIME)},
    {"Users", OBJECT("'users': " LIST("@User"))},
};
/* clang-format on */

/* What comes from a YANG module, with what is only read besides. */
static const struct {
    const char *name, *path;
    const char *member, *component; /* NULL: nothing besides */
} modelled[] = {
    {"Site", "/tieline-inventory:inventory/site", NULL, NULL},
    {"Node", "/tieline-inventory:inventory/node", "live", "NodeState"},
    {"Link", "/tieline-inventory:inventory/link", "live", "LinkState"},
    {"Host", "/tieline-inventory:inventory/host", NULL, NULL},
    {"Router", "/tieline-wan:wan/router", NULL, NULL},
    {"Tunnel", "/tieline-wan:wan/tunnel", "status", "TunnelStatus"},
    {"Vpn", "/tieline-wan:wan/vpn", "status", "VpnStatus"},
    {"Circuit", "/tieline-circuit:circuits/circuit", "status", "CircuitStatus"},
    {"Design", "/tieline-circuit:circuits/design", NULL, NULL},
    {"Order", "/tieline-work:work/order", NULL, NULL},
    {"Exception", "/tieline-work:work/exception", NULL, NULL},
    {"Fingerprint", "/tieline-work:work/fingerprint", NULL, NULL},
};

/* The text as JSON. */
static char *
expand(const char *text)
{
    struct buf out = BUF_INIT;
    while (*text) {
        size_t plain = strcspn(text, "'@");
        buf_put(&out, text, plain);
        text += plain;
        if (*text == '\'') {
            buf_str(&out, "\"");
            text++;
        } else if (*text == '@' && text[1] >= 'A' && text[1] <= 'Z') {
            size_t name = strspn(++text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
            buf_printf(&out, "{\"$ref\": \"#/components/schemas/%.*s\"}", (int)name, text);
            text += name;
        } else if (*text) {
            buf_str(&out, "@");
            text++;
        }
    }
    return buf_steal_cstr(&out);
}

static enum err
add_written(json_t *components, const char *name, const char *text, struct diag *diag)
{
    char *expanded = expand(text);
    json_t *schema = NULL;
    enum err err = jsontext_parse(expanded, strlen(expanded), &schema, diag);
    free(expanded);
    if (err)
        diag_prefix(diag, "component %s", name);
    else
        json_object_set_new(components, name, schema);
    return err;
}

static enum err
add_modelled(json_t *components, const struct schema *schema, size_t i, struct diag *diag)
{
    const struct schema_node *node = schema_find(schema, modelled[i].path);
    if (!node)
        return diag_set(diag, ERR_NOT_FOUND, "the YANG modules have no %s", modelled[i].path);
    json_t *object = component_from_node(node);
    if (modelled[i].member) {
        char *ref = xasprintf("#/components/schemas/%s", modelled[i].component);
        json_object_set_new(json_object_get(object, "properties"), modelled[i].member,
                            json_pack("{ss sb ss}", "$ref", ref, "readOnly", true, "description",
                                      "How it is now. Ignored in what is sent."));
        free(ref);
    }
    json_object_set_new(components, modelled[i].name, object);
    return ERR_OK;
}

static void
add_roles(json_t *components)
{
    json_object_set_new(components, "Role",
                        json_pack("{ss so ss}", "type", "string", "enum", roles_to_json(ROLES_ALL),
                                  "description", "A role after IEC 62351-8."));
}

enum err
components_build(const struct schema *schema, json_t **result, struct diag *diag)
{
    json_t *components = json_object();
    enum err err = ERR_OK;
    add_roles(components);
    for (size_t i = 0; !err && i < ARRAY_SIZE(written); i++)
        err = add_written(components, written[i].name, written[i].text, diag);
    for (size_t i = 0; !err && i < ARRAY_SIZE(modelled); i++)
        err = add_modelled(components, schema, i, diag);
    if (err)
        json_decref(components);
    else
        *result = components;
    return err;
}
