/* Keywords about what a message says, by the fields that its dissector gives: Modbus
 * (docs.suricata.io/en/suricata-7.0.10/rules/modbus-keyword.html), DNP3 (dnp3-keywords.html),
 * EtherNet/IP and CIP (enip-keyword.html). */
#include "suricata/suricata_private.h"

#define NO_FIELD UINT16_MAX

/* ---- Fields ---- */

static uint16_t
field_of(const struct protocol *p, const char *name)
{
    for (size_t i = 0; p && i < p->n_fields; i++) {
        if (p->fields[i].name && !strcmp(p->fields[i].name, name))
            return (uint16_t)i;
    }
    return NO_FIELD;
}

static const struct protocol *
protocol_of(const struct protocol *const *protocols, const char *name)
{
    for (; protocols && *protocols; protocols++) {
        if (!strcmp((*protocols)->name, name))
            return *protocols;
    }
    return NULL;
}

void
message_fields_find(struct message_fields *f, const struct protocol *const *protocols)
{
    f->modbus = protocol_of(protocols, "modbus");
    f->dnp3 = protocol_of(protocols, "dnp3");
    f->enip = protocol_of(protocols, "enip");
    const struct {
        const struct protocol *protocol;
        const char *name;
        uint16_t *id;
    } rows[] = {
        {f->modbus, "unit", &f->unit},
        {f->modbus, "sub-function", &f->sub_function},
        {f->modbus, "address", &f->address},
        {f->modbus, "quantity", &f->quantity},
        {f->modbus, "bits", &f->bits},
        {f->modbus, "words", &f->words},
        {f->modbus, "value", &f->value},
        {f->modbus, "write-address", &f->write_address},
        {f->modbus, "write-quantity", &f->write_quantity},
        {f->modbus, "and-mask", &f->and_mask},
        {f->modbus, "or-mask", &f->or_mask},
        {f->dnp3, "indications", &f->indications},
        {f->dnp3, "group", &f->group},
        {f->dnp3, "variation", &f->variation},
        {f->enip, "encapsulation", &f->encapsulation},
        {f->enip, "service", &f->service},
        {f->enip, "class", &f->class},
        {f->enip, "attribute", &f->attribute},
    };
    f->http = protocol_of(protocols, "http");
    f->http_version = field_of(f->http, "version");
    f->dns_section = field_of(protocol_of(protocols, "dns"), "section");
    f->tls_serial = field_of(protocol_of(protocols, "tls"), "serial");
    f->tls_size = field_of(protocol_of(protocols, "tls"), "certificate-size");
    for (unsigned i = 1; i < BUFFERS; i++) {
        const struct buffer_info *b = &suricata_buffers[i];
        const struct protocol *app = protocol_of(protocols, b->app);
        f->buffer[i] = b->field ? field_of(app, b->field) : 0;
        f->of_buffer[i] = f->buffer[i] == NO_FIELD ? NULL : app;
    }
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        *rows[i].id = field_of(rows[i].protocol, rows[i].name);
}

static const struct field *
find(const struct pdu *p, uint16_t id)
{
    return id == NO_FIELD ? NULL : pdu_field(p, id, 0);
}

/* ---- Reading ---- */

static struct message *
new_message(struct parser *p, enum message_kind kind, const struct protocol *protocol,
            const char *name, enum err *err)
{
    *err = ERR_OK;
    if (!protocol)
        *err = parse_unsupported(p, "messages of %s are not understood", name);
    else if (p->rule->n_messages == RULE_MESSAGES)
        *err = parse_unsupported(p, "more than %d of them", RULE_MESSAGES);
    else if (!p->argument)
        *err = parse_malformed(p, "a value is needed");
    else if (p->rule->app && p->rule->app != protocol)
        *err = parse_malformed(p, "in a rule about %s", p->rule->app_name);
    if (*err)
        return NULL;
    p->rule->app = protocol;
    p->rule->app_name = protocol->name;
    struct message *m = &p->messages[p->rule->n_messages++];
    *m = (struct message){.kind = kind};
    return m;
}

/* "function !reserved": what is behind the first word, or NULL: it is another. */
static char *
behind(char *word, const char *name)
{
    size_t n = strlen(name);
    return !strncmp(word, name, n) && word[n] == ' ' ? suricata_trim(word + n) : NULL;
}

static enum err
parse_modbus_function(struct parser *p, struct message *m, char *text)
{
    static const struct {
        const char *word;
        enum modbus_group group;
    } groups[] = {{"assigned", MODBUS_ASSIGNED}, {"unassigned", MODBUS_UNASSIGNED},
                  {"public", MODBUS_PUBLIC},     {"user", MODBUS_USER},
                  {"reserved", MODBUS_RESERVED}, {"all", MODBUS_ALL}};
    int64_t v = 0;
    m->has_function = 1;
    if (*text == '!') {
        m->is_not = 1;
        text = suricata_trim(text + 1);
    }
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        if (!strcmp(groups[i].word, text)) {
            m->group = (uint8_t)groups[i].group;
            return ERR_OK;
        }
    }
    if (m->is_not)
        return parse_malformed(p, "'!' before a number");
    enum err err = suricata_number(p, text, 1, 255, &v);
    m->function = (uint32_t)v;
    return err;
}

static enum err
parse_modbus_access(struct parser *p, struct message *m, char *text)
{
    static const char *const tables[] = {
        [TABLE_DISCRETES] = "discretes",
        [TABLE_COILS] = "coils",
        [TABLE_INPUT] = "input",
        [TABLE_HOLDING] = "holding",
    };
    char *table = strchr(text, ' ');
    if (table) {
        *table = '\0';
        table = suricata_trim(table + 1);
    }
    m->has_access = 1;
    m->is_write = !strcmp(text, "write");
    if (!m->is_write && strcmp(text, "read") != 0)
        return parse_malformed(p, "access is read or write");
    for (uint8_t i = TABLE_DISCRETES; table && i <= TABLE_HOLDING; i++) {
        if (!strcmp(tables[i], table))
            m->table = i;
    }
    if (table && !m->table)
        return parse_malformed(p, "%.40s is no table", table);
    if (m->is_write && (m->table == TABLE_DISCRETES || m->table == TABLE_INPUT))
        return parse_malformed(p, "%s cannot be written", table);
    return ERR_OK;
}

static enum err
parse_modbus_part(struct parser *p, struct message *m, char *word)
{
    char *text;
    int64_t v = 0;
    enum err err;
    if ((text = behind(word, "function")))
        return parse_modbus_function(p, m, text);
    if ((text = behind(word, "subfunction"))) {
        m->has_subfunction = 1;
        err = suricata_number(p, text, 0, UINT16_MAX, &v);
        m->subfunction = (uint32_t)v;
        return err || (m->has_function && !m->group)
                   ? err
                   : parse_malformed(p, "subfunction without the number of a function");
    }
    if ((text = behind(word, "unit"))) {
        m->has_unit = 1;
        return suricata_bounds(p, text, &m->unit);
    }
    if ((text = behind(word, "access")))
        return parse_modbus_access(p, m, text);
    if ((text = behind(word, "address"))) {
        m->has_address = 1;
        return m->table ? suricata_bounds(p, text, &m->address)
                        : parse_malformed(p, "address without a table");
    }
    if ((text = behind(word, "value"))) {
        m->has_value = 1;
        return m->has_address && m->is_write
                   ? suricata_bounds(p, text, &m->value)
                   : parse_malformed(p, "value without write and address");
    }
    return parse_malformed(p, "%.40s is not known", word);
}

enum err
parse_modbus(struct parser *p)
{
    enum err err;
    struct message *m = new_message(p, MESSAGE_MODBUS, p->rules->fields.modbus, "Modbus", &err);
    char *rest = p->argument, *word;
    while (!err && (word = suricata_word(&rest)))
        err = parse_modbus_part(p, m, word);
    if (!err && m->has_function && m->has_access)
        err = parse_malformed(p, "function and access");
    return err;
}

static const char *const dnp3_functions[] = {
    [0] = "confirm",
    [1] = "read",
    [2] = "write",
    [3] = "select",
    [4] = "operate",
    [5] = "direct_operate",
    [6] = "direct_operate_nr",
    [7] = "immed_freeze",
    [8] = "immed_freeze_nr",
    [9] = "freeze_clear",
    [10] = "freeze_clear_nr",
    [11] = "freeze_at_time",
    [12] = "freeze_at_time_nr",
    [13] = "cold_restart",
    [14] = "warm_restart",
    [15] = "initialize_data",
    [16] = "initialize_appl",
    [17] = "start_appl",
    [18] = "stop_appl",
    [19] = "save_config",
    [20] = "enable_unsolicited",
    [21] = "disable_unsolicited",
    [22] = "assign_class",
    [23] = "delay_measure",
    [24] = "record_current_time",
    [25] = "open_file",
    [26] = "close_file",
    [27] = "delete_file",
    [28] = "get_file_info",
    [29] = "authenticate_file",
    [30] = "abort_file",
    [31] = "activate_config",
    [32] = "authenticate_req",
    [33] = "authenticate_err",
    [129] = "response",
    [130] = "unsolicited_response",
    [131] = "authenticate_resp",
};

/* As the dissector has them: IIN1 in the upper octet. */
static const struct {
    const char *word;
    uint16_t bit;
} dnp3_indications[] = {
    {"all_stations", 0x0100},      {"class_1_events", 0x0200},  {"class_2_events", 0x0400},
    {"class_3_events", 0x0800},    {"need_time", 0x1000},       {"local_control", 0x2000},
    {"device_trouble", 0x4000},    {"device_restart", 0x8000},  {"no_func_code_support", 0x0001},
    {"object_unknown", 0x0002},    {"parameter_error", 0x0004}, {"event_buffer_overflow", 0x0008},
    {"already_executing", 0x0010}, {"config_corrupt", 0x0020},  {"reserved_2", 0x0040},
    {"reserved_1", 0x0080},
};

static enum err
parse_dnp3_function(struct parser *p, struct message *m)
{
    int64_t v = 0;
    for (uint32_t i = 0; i < ARRAY_SIZE(dnp3_functions); i++) {
        if (dnp3_functions[i] && !strcasecmp(dnp3_functions[i], p->argument)) {
            m->function = i;
            return ERR_OK;
        }
    }
    enum err err = suricata_number(p, p->argument, 0, 255, &v);
    m->function = (uint32_t)v;
    return err;
}

static enum err
parse_dnp3_indications(struct parser *p, struct message *m)
{
    char *rest = p->argument, *word;
    while ((word = suricata_word(&rest))) {
        uint32_t before = m->function;
        for (size_t i = 0; i < ARRAY_SIZE(dnp3_indications); i++) {
            if (!strcasecmp(dnp3_indications[i].word, word))
                m->function |= dnp3_indications[i].bit;
        }
        if (m->function == before)
            return parse_malformed(p, "%.40s is no indication, or told twice", word);
    }
    return ERR_OK;
}

/* Up to three numbers. */
static enum err
parse_numbers(struct parser *p, struct message *m, int64_t most, unsigned least_parts,
              unsigned most_parts)
{
    uint32_t *parts[] = {&m->function, &m->subfunction, &m->more};
    char *rest = p->argument, *word;
    while ((word = suricata_word(&rest))) {
        int64_t v = 0;
        if (m->n_parts == most_parts)
            return parse_malformed(p, "more than %u numbers", most_parts);
        enum err err = suricata_number(p, word, 0, most, &v);
        if (err)
            return err;
        *parts[m->n_parts++] = (uint32_t)v;
    }
    return m->n_parts < least_parts ? parse_malformed(p, "%u numbers are needed", least_parts)
                                    : ERR_OK;
}

enum err
parse_dnp3(struct parser *p)
{
    enum message_kind kind = !strcmp(p->keyword, "dnp3_func")  ? MESSAGE_DNP3_FUNCTION
                             : !strcmp(p->keyword, "dnp3_ind") ? MESSAGE_DNP3_INDICATIONS
                                                               : MESSAGE_DNP3_OBJECT;
    enum err err;
    struct message *m = new_message(p, kind, p->rules->fields.dnp3, "DNP3", &err);
    if (err)
        return err;
    switch (kind) {
    case MESSAGE_DNP3_FUNCTION:
        return parse_dnp3_function(p, m);
    case MESSAGE_DNP3_INDICATIONS:
        return parse_dnp3_indications(p, m);
    default:
        return parse_numbers(p, m, 255, 2, 2);
    }
}

enum err
parse_enip(struct parser *p)
{
    bool is_command = !strcmp(p->keyword, "enip_command");
    enum err err;
    struct message *m = new_message(p, is_command ? MESSAGE_ENIP_COMMAND : MESSAGE_CIP_SERVICE,
                                    p->rules->fields.enip, "EtherNet/IP", &err);
    if (err)
        return err;
    return is_command ? parse_numbers(p, m, UINT16_MAX, 1, 1)
                      : parse_numbers(p, m, UINT16_MAX, 1, 3);
}

/* ---- Modbus ---- */

/* Modbus Application Protocol V1.1b3, section 5.1, table "public function codes", and annex A. */
static enum modbus_group
group_of(uint32_t function, const struct field *sub)
{
    static const uint8_t reserved[] = {9, 10, 13, 14, 41, 42, 90, 91, 125, 126, 127};
    if (memchr(reserved, (int)function, sizeof reserved))
        return MODBUS_RESERVED;
    if ((function >= 65 && function <= 72) || (function >= 100 && function <= 110))
        return MODBUS_USER;
    if (function == 8 && sub)
        return sub->u <= 18 || sub->u == 20
                   ? (sub->u > 4 && sub->u < 10 ? MODBUS_UNASSIGNED : MODBUS_ASSIGNED)
                   : MODBUS_RESERVED;
    if (function <= 8 || function == 11 || function == 12 || (function >= 15 && function <= 17) ||
        (function >= 20 && function <= 24) || function == 43)
        return MODBUS_ASSIGNED;
    return MODBUS_UNASSIGNED;
}

static const struct access {
    uint8_t function;
    uint8_t is_read, is_write, table;
} accesses[] = {
    {1, 1, 0, TABLE_COILS},  {2, 1, 0, TABLE_DISCRETES}, {3, 1, 0, TABLE_HOLDING},
    {4, 1, 0, TABLE_INPUT},  {5, 0, 1, TABLE_COILS},     {6, 0, 1, TABLE_HOLDING},
    {15, 0, 1, TABLE_COILS}, {16, 0, 1, TABLE_HOLDING},  {20, 1, 0, TABLE_ANY},
    {21, 0, 1, TABLE_ANY},   {22, 0, 1, TABLE_HOLDING},  {23, 1, 1, TABLE_HOLDING},
    {24, 1, 0, TABLE_ANY},
};

/* What is written to the `i`-th coil or register; false: it is not told. */
static bool
written(const struct message_fields *f, const struct pdu *p, uint32_t i, int64_t *v)
{
    const struct field *value = find(p, f->value), *words = find(p, f->words);
    const struct field *bits = find(p, f->bits);
    if (value)
        *v = p->function == 5 ? value->u == 0xff00 : (int64_t)value->u;
    else if (words && i < words->n)
        *v = get_be16(words->octets + 2 * (size_t)i);
    else if (bits && i < bits->n)
        *v = bits->octets[i / 8] >> i % 8 & 1;
    else
        return false;
    return true;
}

/* One of the addresses that are accessed is meant; counted from 1, as Suricata does. */
static bool
address_is(const struct message_fields *f, const struct message *m, const struct pdu *p)
{
    bool is_both = p->function == 23 && m->is_write;
    const struct field *address = find(p, is_both ? f->write_address : f->address);
    const struct field *quantity = find(p, is_both ? f->write_quantity : f->quantity);
    uint32_t n = quantity ? (uint32_t)MIN(quantity->u, UINT64_C(65536)) : 1;
    for (uint32_t i = 0; address && i < n; i++) {
        int64_t v;
        if (bounds_hold(&m->address, (int64_t)address->u + 1 + i) &&
            (!m->has_value || (written(f, p, i, &v) && bounds_hold(&m->value, v))))
            return true;
    }
    return false;
}

static bool
access_is(const struct message_fields *f, const struct message *m, const struct pdu *p)
{
    for (size_t i = 0; i < ARRAY_SIZE(accesses); i++) {
        const struct access *a = &accesses[i];
        if (a->function != p->function)
            continue;
        return (m->is_write ? a->is_write : a->is_read) && (!m->table || m->table == a->table) &&
               (!m->has_address || address_is(f, m, p));
    }
    return false;
}

static bool
modbus_is(const struct message_fields *f, const struct message *m, const struct pdu *p)
{
    const struct field *unit = find(p, f->unit), *sub = find(p, f->sub_function);
    if (p->kind != PDU_REQUEST)
        return false;
    if (m->has_unit && (!unit || !bounds_hold(&m->unit, (int64_t)unit->u)))
        return false;
    if (m->group && ((group_of(p->function, sub) & m->group) != 0) == m->is_not)
        return false;
    if (m->has_function && !m->group && m->function != p->function)
        return false;
    if (m->has_subfunction && (!sub || sub->u != m->subfunction))
        return false;
    return !m->has_access || access_is(f, m, p);
}

/* ---- DNP3, EtherNet/IP ---- */

static bool
dnp3_has_object(const struct message_fields *f, const struct message *m, const struct pdu *p)
{
    uint16_t object = 0;
    bool is_group = false;
    for (uint32_t i = 0; i < p->n_fields; i++) {
        const struct field *at = &p->fields[i];
        if (at->object != object)
            is_group = false;
        object = at->object;
        if (at->id == f->group)
            is_group = at->u == m->function;
        else if (at->id == f->variation && is_group && at->u == m->subfunction)
            return true;
    }
    return false;
}

static bool
cip_is(const struct message_fields *f, const struct message *m, const struct pdu *p)
{
    const struct field *service = find(p, f->service), *class = find(p, f->class);
    const struct field *attribute = find(p, f->attribute);
    if (p->kind != PDU_REQUEST || !service || service->u != m->function)
        return false;
    if (m->n_parts > 1 && (!class || class->u != m->subfunction))
        return false;
    return m->n_parts < 3 || (attribute && attribute->u == m->more);
}

bool
message_is(const struct message_fields *f, const struct message *m, const struct pdu *p)
{
    const struct field *at;
    switch (m->kind) {
    case MESSAGE_MODBUS:
        return p->protocol == f->modbus && modbus_is(f, m, p);
    case MESSAGE_DNP3_FUNCTION:
        return p->protocol == f->dnp3 && p->function == m->function;
    case MESSAGE_DNP3_INDICATIONS:
        at = p->protocol == f->dnp3 ? find(p, f->indications) : NULL;
        return at && at->u & m->function;
    case MESSAGE_DNP3_OBJECT:
        return p->protocol == f->dnp3 && dnp3_has_object(f, m, p);
    case MESSAGE_ENIP_COMMAND:
        at = p->protocol == f->enip ? find(p, f->encapsulation) : NULL;
        return at && at->u == m->function;
    case MESSAGE_CIP_SERVICE:
        return p->protocol == f->enip && cip_is(f, m, p);
    }
    return false;
}
