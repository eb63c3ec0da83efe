/* Buffers: the keywords that name them, and what a message has of them
 * (docs.suricata.io/en/suricata-7.0.10/rules). */
#include "base/ber.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "suricata/suricata_private.h"

#include <openssl/evp.h>

/* Names as Suricata has them. */
const struct buffer_info suricata_buffers[BUFFERS] = {
#define B(id, keyword, old, with, letter, of, by, ...)                                             \
    [BUFFER_##id] = {.name = keyword,                                                              \
                     .old_name = old,                                                              \
                     .modifier = with,                                                             \
                     .flag = letter,                                                               \
                     .app = of,                                                                    \
                     .ways = by,                                                                   \
                     ##__VA_ARGS__}
    B(HTTP_URI, "http.uri", NULL, "http_uri", 'U', "http", OF_CLIENT),
    B(HTTP_URI_RAW, "http.uri.raw", NULL, "http_raw_uri", 'I', "http", OF_CLIENT),
    B(HTTP_METHOD, "http.method", NULL, "http_method", 'M', "http", OF_CLIENT),
    B(HTTP_PROTOCOL, "http.protocol", "http_protocol", NULL, 0, "http", OF_BOTH),
    B(HTTP_REQUEST_LINE, "http.request_line", "http_request_line", NULL, 0, "http", OF_CLIENT),
    B(HTTP_RESPONSE_LINE, "http.response_line", "http_response_line", NULL, 0, "http", OF_SERVER),
    B(HTTP_STAT_CODE, "http.stat_code", NULL, "http_stat_code", 'S', "http", OF_SERVER),
    B(HTTP_STAT_MSG, "http.stat_msg", NULL, "http_stat_msg", 'Y', "http", OF_SERVER),
    B(HTTP_HEADER, "http.header", NULL, "http_header", 'H', "http", OF_BOTH),
    B(HTTP_HEADER_RAW, "http.header.raw", NULL, "http_raw_header", 'D', "http", OF_BOTH),
    B(HTTP_HEADER_NAMES, "http.header_names", "http_header_names", NULL, 0, "http", OF_BOTH),
    B(HTTP_START, "http.start", "http_start", NULL, 0, "http", OF_BOTH),
    B(HTTP_REQUEST_HEADER, "http.request_header", NULL, NULL, 0, "http", OF_CLIENT,
      .is_multiple = true),
    B(HTTP_RESPONSE_HEADER, "http.response_header", NULL, NULL, 0, "http", OF_SERVER,
      .is_multiple = true),
    B(HTTP_HOST, "http.host", NULL, "http_host", 'W', "http", OF_CLIENT),
    B(HTTP_HOST_RAW, "http.host.raw", NULL, "http_raw_host", 'Z', "http", OF_CLIENT),
    B(HTTP_USER_AGENT, "http.user_agent", NULL, "http_user_agent", 'V', "http", OF_CLIENT),
    B(HTTP_COOKIE, "http.cookie", NULL, "http_cookie", 'C', "http", OF_BOTH),
    B(HTTP_ACCEPT, "http.accept", "http_accept", NULL, 0, "http", OF_CLIENT),
    B(HTTP_ACCEPT_ENC, "http.accept_enc", "http_accept_enc", NULL, 0, "http", OF_CLIENT),
    B(HTTP_ACCEPT_LANG, "http.accept_lang", "http_accept_lang", NULL, 0, "http", OF_CLIENT),
    B(HTTP_CONNECTION, "http.connection", "http_connection", NULL, 0, "http", OF_BOTH),
    B(HTTP_CONTENT_LEN, "http.content_len", "http_content_len", NULL, 0, "http", OF_BOTH),
    B(HTTP_CONTENT_TYPE, "http.content_type", "http_content_type", NULL, 0, "http", OF_BOTH),
    B(HTTP_REFERER, "http.referer", "http_referer", NULL, 0, "http", OF_CLIENT),
    B(HTTP_LOCATION, "http.location", NULL, NULL, 0, "http", OF_SERVER),
    B(HTTP_SERVER, "http.server", NULL, NULL, 0, "http", OF_SERVER),
    B(HTTP_REQUEST_BODY, "http.request_body", NULL, "http_client_body", 'P', "http", OF_CLIENT,
      .is_body = true),
    B(HTTP_RESPONSE_BODY, "http.response_body", NULL, "http_server_body", 'Q', "http", OF_SERVER,
      .is_body = true),
    B(FILE_DATA, "file.data", "file_data", NULL, 0, "http", OF_SERVER, .is_body = true),
    B(DNS_QUERY, "dns.query", "dns_query", NULL, 0, "dns", OF_CLIENT, .is_multiple = true,
      .field = "name"),
    B(TLS_SNI, "tls.sni", "tls_sni", NULL, 0, "tls", OF_CLIENT, .field = "server-name"),
    B(TLS_CERT_SUBJECT, "tls.cert_subject", "tls_cert_subject", NULL, 0, "tls", OF_SERVER),
    B(TLS_CERT_ISSUER, "tls.cert_issuer", "tls_cert_issuer", NULL, 0, "tls", OF_SERVER),
    B(TLS_CERT_SERIAL, "tls.cert_serial", "tls_cert_serial", NULL, 0, "tls", OF_SERVER),
    B(TLS_CERT_FINGERPRINT, "tls.cert_fingerprint", "tls_cert_fingerprint", NULL, 0, "tls",
      OF_SERVER),
    B(JA3_HASH, "ja3.hash", "ja3_hash", NULL, 0, "tls", OF_CLIENT, .field = "ja3"),
    B(JA3S_HASH, "ja3s.hash", NULL, NULL, 0, "tls", OF_SERVER, .field = "ja3s"),
    B(SSH_PROTO, "ssh.proto", "ssh_proto", NULL, 0, "ssh", OF_BOTH, .field = "version"),
    B(SSH_SOFTWARE, "ssh.software", "ssh_software", NULL, 0, "ssh", OF_BOTH, .field = "software"),
    B(SSH_HASSH, "ssh.hassh", "ssh-hassh", NULL, 0, "ssh", OF_CLIENT, .field = "hassh"),
    B(SSH_HASSH_SERVER, "ssh.hassh.server", "ssh-hassh-server", NULL, 0, "ssh", OF_SERVER,
      .field = "hassh-server"),
    B(SNMP_COMMUNITY, "snmp.community", NULL, NULL, 0, "snmp", OF_BOTH, .field = "community"),
    B(SMB_NAMED_PIPE, "smb.named_pipe", NULL, NULL, 0, "smb", OF_CLIENT, .field = "path"),
    B(SMB_SHARE, "smb.share", NULL, NULL, 0, "smb", OF_CLIENT, .field = "path"),
#undef B
};

/* ---- Keywords ---- */

static enum buffer
buffer_of(const char *name, bool is_modifier)
{
    for (unsigned i = 1; i < BUFFERS; i++) {
        const struct buffer_info *b = &suricata_buffers[i];
        const char *other = is_modifier ? b->modifier : b->old_name;
        if ((other && !strcmp(other, name)) || (!is_modifier && !strcmp(b->name, name)))
            return i;
    }
    return BUFFER_PAYLOAD;
}

enum buffer
suricata_flag_buffer(char flag)
{
    for (unsigned i = 1; i < BUFFERS; i++) {
        if (suricata_buffers[i].flag == flag)
            return i;
    }
    return BUFFER_PAYLOAD;
}

static unsigned
find_group(struct parser *p, enum buffer buffer, const enum transform *transforms, bool is_new)
{
    for (unsigned i = p->n_groups; i-- && !is_new;) {
        if (p->groups[i].buffer == buffer &&
            !memcmp(p->groups[i].transforms, transforms, sizeof p->groups[i].transforms))
            return i;
    }
    if (p->n_groups == RULE_GROUPS)
        return RULE_GROUPS;
    struct group *g = &p->groups[p->n_groups];
    *g = (struct group){.buffer = buffer};
    memcpy(g->transforms, transforms, sizeof g->transforms);
    return p->n_groups++;
}

unsigned
suricata_group(struct parser *p)
{
    bool is_new = p->is_named_anew && suricata_buffers[p->buffer].is_multiple;
    p->is_named_anew = false;
    return find_group(p, p->buffer, p->transforms, is_new);
}

unsigned
suricata_group_of(struct parser *p, enum buffer buffer)
{
    static const enum transform none[RULE_TRANSFORMS];
    return find_group(p, buffer, none, false);
}

static enum err
too_many(struct parser *p)
{
    return parse_unsupported(p, "more than %d buffers", RULE_GROUPS);
}

static enum err
modify_content(struct parser *p, enum buffer buffer)
{
    if (!p->last || p->last->kind != ELEMENT_CONTENT)
        return parse_malformed(p, "no content stands before it");
    if (p->buffer || p->last->group)
        return parse_malformed(p, "the content is of another buffer");
    unsigned group = suricata_group_of(p, buffer);
    if (group == RULE_GROUPS)
        return too_many(p);
    p->last->group = (uint8_t)group;
    return ERR_OK;
}

enum err
parse_buffer(struct parser *p, const char *name)
{
    enum buffer modified = buffer_of(name, true), buffer = buffer_of(name, false);
    if (modified)
        buffer = modified;
    else if (!buffer && strcmp(name, "pkt_data") != 0)
        return ERR_NOT_FOUND;
    if (p->argument)
        return parse_malformed(p, "it takes no value");
    if (buffer && !p->rules->fields.of_buffer[buffer])
        return parse_unsupported(p, "no dissector tells it");
    if (modified)
        return modify_content(p, buffer);
    if (p->transforms[0] && p->is_named_anew)
        return parse_malformed(p, "what was transformed before it is not looked into");
    p->buffer = buffer;
    p->is_named_anew = true;
    p->last = NULL;
    memset(p->transforms, 0, sizeof p->transforms);
    return ERR_OK;
}

enum err
parse_transform(struct parser *p)
{
    static const struct {
        const char *name;
        enum transform transform;
    } rows[] = {
        {"dotprefix", TRANSFORM_DOTPREFIX},    {"to_lowercase", TRANSFORM_LOWER},
        {"to_uppercase", TRANSFORM_UPPER},     {"compress_whitespace", TRANSFORM_COMPRESS},
        {"strip_whitespace", TRANSFORM_STRIP}, {"url_decode", TRANSFORM_URL_DECODE},
    };
    unsigned at = 0, row = 0;
    if (p->argument)
        return parse_malformed(p, "it takes no value");
    if (!p->buffer || !p->is_named_anew)
        return parse_malformed(p, "no buffer stands before it");
    while (at < RULE_TRANSFORMS && p->transforms[at])
        at++;
    if (at == RULE_TRANSFORMS)
        return parse_unsupported(p, "more than %d transformations", RULE_TRANSFORMS);
    while (row + 1 < ARRAY_SIZE(rows) && strcmp(rows[row].name, p->keyword) != 0)
        row++;
    p->transforms[at] = rows[row].transform;
    return ERR_OK;
}

static enum err
size_of_group(struct parser *p, unsigned group, const char *text)
{
    if (group == RULE_GROUPS)
        return too_many(p);
    struct group *g = &p->groups[group];
    if (g->has_size)
        return parse_malformed(p, "it stands twice");
    g->has_size = true;
    return suricata_bounds(p, text, &g->size);
}

enum err
parse_bsize(struct parser *p)
{
    if (!p->argument)
        return parse_malformed(p, "a number is needed");
    if (!p->buffer)
        return parse_malformed(p, "no buffer stands before it");
    return size_of_group(p, suricata_group(p), p->argument);
}

enum err
parse_urilen(struct parser *p)
{
    char *rest = p->argument;
    if (!rest)
        return parse_malformed(p, "a number is needed");
    char *number = suricata_word(&rest), *which = suricata_word(&rest);
    if (which && strcmp(which, "raw") != 0 && strcmp(which, "norm") != 0)
        return parse_malformed(p, "\"%.40s\" is neither raw nor norm", which);
    enum buffer buffer = which && *which == 'r' ? BUFFER_HTTP_URI_RAW : BUFFER_HTTP_URI;
    if (!p->rules->fields.of_buffer[buffer])
        return parse_unsupported(p, "no dissector tells it");
    return size_of_group(p, suricata_group_of(p, buffer), number);
}

/* ---- Parting elements ---- */

/* More octets of a body may make it untrue. */
static bool
asks_end(const struct element *e)
{
    return e->is_negated || (e->kind == ELEMENT_CONTENT && e->content.ends) ||
           e->kind == ELEMENT_PCRE || (e->kind == ELEMENT_JUMP && e->bytes.from_end);
}

static enum err
note_group(struct parser *p, const struct group *g, unsigned *ways)
{
    const struct buffer_info *b = &suricata_buffers[g->buffer];
    const struct protocol *app = p->rules->fields.of_buffer[g->buffer];
    struct rule *r = p->rule;
    p->keyword = b->name;
    if (g->buffer == BUFFER_FILE_DATA && !(r->app && r->flow & FLOW_TO_CLIENT))
        return parse_unsupported(p, "but for http, and flow:to_client");
    if (r->app && r->app != app && !r->is_other_app)
        return parse_malformed(p, "of another protocol than %s", r->app_name);
    if (r->is_other_app)
        return parse_unsupported(p, "with app-layer-protocol:!");
    if (r->proto && r->proto != 6 && !(app->carriers & CARRIER_UDP))
        return parse_malformed(p, "of a protocol over TCP");
    r->app = app;
    r->app_name = app->name;
    *ways &= b->ways;
    r->has_body |= b->is_body;
    r->asks_end |= b->is_body && g->asks_end;
    return ERR_OK;
}

/* A variable is of the buffer that it was read from. */
static enum err
check_variables(struct parser *p, const struct element *e)
{
    const struct content *c = &e->content;
    const struct bytes *b = &e->bytes;
    const struct operand *content[] = {&c->offset, &c->depth, &c->distance, &c->within};
    const struct operand *bytes[] = {&b->offset, &b->value}, *at[] = {&e->at};
    const struct operand **all = e->kind == ELEMENT_CONTENT ? content : bytes;
    size_t n = e->kind == ELEMENT_CONTENT ? ARRAY_SIZE(content) : ARRAY_SIZE(bytes);
    if (e->kind == ELEMENT_PCRE)
        return ERR_OK;
    if (e->kind == ELEMENT_ISDATAAT) {
        all = at;
        n = 1;
    }
    for (size_t i = 0; i < n; i++) {
        if (all[i]->variable >= 0 && p->setters[all[i]->variable]->group != e->group) {
            p->keyword = "byte_extract";
            return parse_unsupported(p, "a variable of another buffer");
        }
    }
    return ERR_OK;
}

enum err
suricata_part_groups(struct parser *p)
{
    struct rule *r = p->rule;
    struct arena *arena = p->rules->arena;
    struct element *parted = arena_calloc(arena, p->n_elements + 1u, sizeof *parted);
    unsigned n = 0, ways = OF_BOTH;
    enum err err = ERR_OK;
    if (!parted)
        return ERR_LIMIT;
    if (p->is_named_anew && p->buffer) {
        p->keyword = suricata_buffers[p->buffer].name;
        return parse_malformed(p, "nothing is looked for in it");
    }
    for (unsigned i = 0; i < p->n_elements && !err; i++)
        err = check_variables(p, &p->elements[i]);
    for (unsigned i = 0; i < p->n_groups; i++) {
        struct group *g = &p->groups[i];
        g->elements = parted + n;
        for (unsigned k = 0; k < p->n_elements; k++) {
            if (p->elements[k].group != i)
                continue;
            g->asks_end |= asks_end(&p->elements[k]);
            parted[n++] = p->elements[k];
        }
        g->n_elements = (uint16_t)(parted + n - g->elements);
        g->asks_end |= g->has_size;
        if (!g->n_elements && !g->has_size)
            continue; /* its contents were given to another */
        if (i && !err)
            err = note_group(p, g, &ways);
    }
    if (err)
        return err;
    if (!ways || (r->flow & FLOW_TO_SERVER && ways == OF_SERVER) ||
        (r->flow & FLOW_TO_CLIENT && ways == OF_CLIENT))
        return parse_malformed(p, "what only a client says, and what only a server says");
    r->elements = p->groups[0].elements;
    r->n_elements = p->groups[0].n_elements;
    r->groups = arena_calloc(arena, p->n_groups, sizeof *r->groups);
    if (!r->groups)
        return ERR_LIMIT;
    for (unsigned i = 1; i < p->n_groups; i++) {
        if (p->groups[i].n_elements || p->groups[i].has_size)
            r->groups[r->n_groups++] = p->groups[i];
    }
    return ERR_OK;
}

/* ---- Certificates ---- */

/* Words as Suricata has them (X.520; PKCS #9; RFC 4519; the CA/Browser Forum's jurisdictions). */
static const struct {
    const char *oid, *name;
    uint8_t size;
} attributes[] = {
#define A(oid, name)                                                                               \
    {                                                                                              \
        oid, name, sizeof oid - 1                                                                  \
    }
    A("\x55\x04\x03", "CN"),
    A("\x55\x04\x05", "serialNumber"),
    A("\x55\x04\x06", "C"),
    A("\x55\x04\x07", "L"),
    A("\x55\x04\x08", "ST"),
    A("\x55\x04\x09", "streetAddress"),
    A("\x55\x04\x0a", "O"),
    A("\x55\x04\x0b", "OU"),
    A("\x55\x04\x0f", "businessCategory"),
    A("\x55\x04\x11", "postalCode"),
    A("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "Email"),
    A("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "DC"),
    A("\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x01", "msJurisdictionLocality"),
    A("\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x02", "msJurisdictionStateOrProvince"),
    A("\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03", "msJurisdictionCountry"),
#undef A
};

/* Its word, or the object identifier as numbers. */
static void
put_attribute(struct buf *b, struct ber_text oid)
{
    uint32_t number = 0;
    bool is_first = true;
    for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
        if (oid.size == attributes[i].size && !memcmp(oid.data, attributes[i].oid, oid.size)) {
            buf_str(b, attributes[i].name);
            return;
        }
    }
    for (size_t i = 0; i < oid.size; i++) {
        uint8_t octet = (uint8_t)oid.data[i];
        number = number << 7 | (octet & 127u);
        if (octet & 128)
            continue;
        uint32_t first = MIN(number / 40, 2u);
        if (is_first)
            buf_printf(b, "%u.%u", first, number - first * 40);
        else
            buf_printf(b, ".%u", number);
        is_first = false;
        number = 0;
    }
}

/* "C=US, O=Plant, CN=relay"; parts that belong together with " + " between them. */
static void
put_name(struct buf *b, struct cursor name)
{
    for (bool is_first = true; cursor_left(&name); is_first = false) {
        struct cursor set = ber_expect(&name, 0x31, "part of a name");
        for (unsigned i = 0; cursor_left(&set); i++) {
            struct cursor pair = ber_expect(&set, BER_SEQUENCE, "attribute");
            struct ber_text oid = ber_get_text(&pair, 0x06, "type");
            struct cursor value = ber_read(&pair, NULL, "value");
            size_t n = cursor_left(&value);
            const uint8_t *text = cursor_bytes(&value, n, "value");
            cursor_join(&pair, &value);
            cursor_join(&set, &pair);
            if (set.err || !text)
                return;
            buf_str(b, i ? " + " : is_first ? "" : ", ");
            put_attribute(b, oid);
            buf_u8(b, '=');
            buf_put(b, text, n);
        }
        cursor_join(&name, &set);
    }
}

/* Behind the serial number stand an algorithm, the issuer, the validity and the subject (RFC 5280
 * section 4.1). */
static bool
certificate_name(const struct reading *r, const struct field *serial, bool is_subject,
                 struct buf *b)
{
    const struct pdu *p = r->pdu;
    const uint8_t *at = serial->octets + serial->n, *end = p->octets + p->size;
    if (serial->octets < p->octets || at > end)
        return false;
    struct cursor c = cursor_over(at, (size_t)(end - at));
    for (unsigned i = 0; i < (is_subject ? 3u : 1u); i++) {
        struct cursor skipped = ber_expect(&c, BER_SEQUENCE, "before a name");
        skipped.pos = skipped.end;
        cursor_join(&c, &skipped);
    }
    struct cursor name = ber_expect(&c, BER_SEQUENCE, "name");
    if (c.err)
        return false;
    put_name(b, name);
    return !buf_err(b);
}

#define BEFORE_SERIAL 24u /* octets of a certificate, at most */

/* Where the certificate begins that has the serial number: behind its length in the message. */
static const uint8_t *
certificate_of(const struct reading *r, const struct field *serial, size_t size)
{
    const struct pdu *p = r->pdu;
    const uint8_t *end = p->octets + p->size;
    if (serial->octets < p->octets || serial->octets > end)
        return NULL;
    size_t most = MIN((size_t)(serial->octets - p->octets), BEFORE_SERIAL + 3);
    for (size_t back = 4; back <= most; back++) {
        const uint8_t *at = serial->octets - back;
        if (get_be24(at) == size && at[3] == BER_SEQUENCE && (size_t)(end - at - 3) >= size)
            return at + 3;
    }
    return NULL;
}

static void
put_octets(struct buf *b, bool is_upper, const uint8_t *octets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_str(b, i ? ":" : "");
        buf_printf(b, is_upper ? "%02X" : "%02x", octets[i]);
    }
}

/* SHA-1 of the certificate. */
static bool
put_fingerprint(const struct reading *r, const struct field *serial, struct buf *b)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    const struct field *size = pdu_field(r->pdu, r->fields->tls_size, 1);
    const uint8_t *certificate = size ? certificate_of(r, serial, size->u) : NULL;
    size_t n = 0;
    if (!certificate || !EVP_Q_digest(NULL, "SHA1", NULL, certificate, (size_t)size->u, digest, &n))
        return false;
    put_octets(b, false, digest, n);
    return true;
}

static bool
make_certificate(struct reading *r, enum buffer buffer, struct span *s)
{
    const struct field *serial = pdu_field(r->pdu, r->fields->tls_serial, 1);
    struct buf b = buf_limited(8192);
    bool is = serial != NULL;
    if (is && buffer == BUFFER_TLS_CERT_FINGERPRINT)
        is = put_fingerprint(r, serial, &b);
    else if (is && buffer == BUFFER_TLS_CERT_SERIAL) /* "0A:1B:2C" */
        put_octets(&b, true, serial->octets, serial->n);
    else if (is)
        is = certificate_name(r, serial, buffer == BUFFER_TLS_CERT_SUBJECT, &b);
    is = is && !buf_err(&b) && b.size <= READING_ROOM - r->used;
    if (is) {
        *s = (struct span){r->room + r->used, b.size};
        if (b.size)
            memcpy(r->room + r->used, b.data, b.size);
        r->used += b.size;
    }
    buf_fini(&b);
    return is;
}

/* ---- Readings ---- */

static void
begin_anew(struct reading *r, const struct message_fields *f)
{
    uint8_t *room = r->room;
    struct http_field *http_fields = r->http_fields;
    memset(r, 0, sizeof *r);
    r->room = room;
    r->http_fields = http_fields;
    r->fields = f;
}

void
reading_begin(struct reading *r, const struct message_fields *f, const struct pdu *p)
{
    bool is_answer = p->kind == PDU_RESPONSE || p->kind == PDU_REFUSAL;
    begin_anew(r, f);
    r->pdu = p;
    r->is_of_client = !is_answer;
}

void
reading_begin_http(struct reading *r, const struct message_fields *f, struct span head)
{
    begin_anew(r, f);
    r->head = head;
    while (head.n && (*head.at == '\r' || *head.at == '\n')) {
        head.at++;
        head.n--;
    }
    r->is_of_client = head.n < 5 || memcmp(head.at, "HTTP/", 5) != 0;
}

/* What a client connects to is a pipe if its name is IPC$. Other messages have paths, too. */
static bool
is_share(const struct pdu *p, struct span path, bool as_pipe)
{
    bool is_pipe = path.n >= 4 && !memcmp(path.at + path.n - 4, "IPC$", 4);
    return p->info && strstr(p->info->name, "tree-connect") && is_pipe == as_pipe;
}

static bool
field_buffer(const struct reading *r, enum buffer buffer, struct span *s)
{
    const struct field *f = pdu_field(r->pdu, r->fields->buffer[buffer], 0);
    bool of_tree = buffer == BUFFER_SMB_NAMED_PIPE || buffer == BUFFER_SMB_SHARE;
    if (!f)
        return false;
    *s = (struct span){f->octets, f->n};
    return !of_tree || is_share(r->pdu, *s, buffer == BUFFER_SMB_NAMED_PIPE);
}

/* ---- Those of which there may be several ---- */

/* Names of questions: the section stands before the name, of the same object. */
static void
gather_names(struct reading *r)
{
    const struct message_fields *fields = r->fields;
    bool is_question = false;
    for (uint32_t i = 0; i < r->pdu->n_fields && r->n_many < MANY; i++) {
        const struct field *f = &r->pdu->fields[i];
        if (f->id == fields->dns_section)
            is_question = f->u == 0;
        else if (f->id == fields->buffer[BUFFER_DNS_QUERY] && is_question)
            r->many[r->n_many++] = (struct span){f->octets, f->n};
    }
}

static bool
multiple_buffer(struct reading *r, enum buffer buffer, unsigned i, struct span *s)
{
    if (r->many_of != buffer) {
        r->many_of = buffer;
        r->n_many = 0;
        if (!r->pdu)
            r->n_many = http_headers(r, r->many, MANY);
        else
            gather_names(r);
    }
    if (i >= r->n_many)
        return false;
    *s = r->many[i];
    return true;
}

static bool
make(struct reading *r, enum buffer buffer, struct span *s)
{
    const struct buffer_info *b = &suricata_buffers[buffer];
    if (b->is_body) {
        *s = r->body;
        return r->has_body;
    }
    if (r->pdu && b->field)
        return field_buffer(r, buffer, s);
    if (r->pdu)
        return make_certificate(r, buffer, s);
    return http_buffer(r, buffer, s);
}

bool
reading_buffer(struct reading *r, enum buffer buffer, unsigned i, struct span *s)
{
    const struct buffer_info *b = &suricata_buffers[buffer];
    if (!(b->ways & (r->is_of_client ? OF_CLIENT : OF_SERVER)))
        return false;
    if (b->is_multiple)
        return multiple_buffer(r, buffer, i, s);
    if (i)
        return false;
    if (!r->is_made[buffer]) {
        r->is_made[buffer] = true;
        r->is_there[buffer] = make(r, buffer, &r->made[buffer]);
    }
    *s = r->made[buffer];
    return r->is_there[buffer];
}
