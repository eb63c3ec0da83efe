#include "proto/netconf/netconf_notice.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum netconf_notice_kind kind;
} kinds[] = {
    {"netconf-config-change", NETCONF_CONFIG_CHANGE},
    {"netconf-capability-change", NETCONF_CAPABILITY_CHANGE},
    {"netconf-session-start", NETCONF_SESSION_START},
    {"netconf-session-end", NETCONF_SESSION_END},
    {"netconf-confirmed-commit", NETCONF_CONFIRMED_COMMIT},
};

static uint32_t
number(struct arena *arena, const struct netconf_xml *e, const char *name)
{
    unsigned long value = strtoul(netconf_xml_value(arena, e, name, "0"), NULL, 10);
    return value <= UINT32_MAX ? (uint32_t)value : 0;
}

static enum err
take_edits(const struct netconf_xml *event, struct arena *arena, struct netconf_notice *notice)
{
    notice->edits = arena_calloc(arena, event->n_children, sizeof *notice->edits);
    if (event->n_children && !notice->edits)
        return ERR_LIMIT;
    for (const struct netconf_xml *e = event->first; e; e = e->next) {
        if (!netconf_xml_is(e, NULL, "edit"))
            continue;
        struct netconf_notice_edit *edit = &notice->edits[notice->n_edits++];
        edit->target = netconf_xml_value(arena, e, "target", "");
        edit->operation = netconf_xml_value(arena, e, "operation", "");
    }
    return ERR_OK;
}

enum err
netconf_notice_parse(const struct netconf_message *message, struct arena *arena,
                     struct netconf_notice *notice)
{
    const struct netconf_xml *event = message->event;
    const struct netconf_xml *by = netconf_xml_child(event, NULL, "changed-by");
    const struct netconf_xml *who = by ? by
                                       : event; /* session events have it without a container */
    struct netconf_notice n = {
        .by_server = netconf_xml_child(who, NULL, "server"),
        .user = netconf_xml_value(arena, who, "username", ""),
        .host = netconf_xml_value(arena, who, "source-host", ""),
        .session_id = number(arena, who, "session-id"),
        .datastore = netconf_xml_value(arena, event, "datastore", "running"),
        .reason = netconf_xml_value(arena, event, "termination-reason", ""),
        .commit_event = netconf_xml_value(arena, event, "confirm-event", ""),
        .timeout_s = number(arena, event, "timeout"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (!strcmp(event->name, kinds[i].name))
            n.kind = kinds[i].kind;
    }
    enum err err = n.kind == NETCONF_CONFIG_CHANGE ? take_edits(event, arena, &n) : ERR_OK;
    if (!err)
        *notice = n;
    return err;
}
