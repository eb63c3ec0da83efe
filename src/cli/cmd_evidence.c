/* Checkpoints of a journal and evidence out of it: made beside the journal's file, checked by
 * whoever has the public key; no server is asked, but for its newest checkpoint. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "io/jsontext.h"
#include "journal/checkpoint_log.h"
#include "journal/evidence.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static int
read_key(struct cli *cli, const char *option, bool secret, EVP_PKEY **key)
{
    const char *path = cli_option(cli, option);
    struct diag why = {""};
    struct buf pem;
    int status = cli_read_file(cli, path, &pem);
    if (status)
        return status;
    enum err err = secret ? checkpoint_secret_key((const char *)pem.data, pem.size, key, &why)
                          : checkpoint_public_key((const char *)pem.data, pem.size, key, &why);
    if (pem.size)
        OPENSSL_cleanse(pem.data, pem.size);
    buf_fini(&pem);
    return err ? cli_fail(cli, CLI_FAILED, "%s: %s", path, why.text) : CLI_OK;
}

static int
open_log(struct cli *cli, struct evidence_log **log)
{
    struct diag why = {""};
    const char *path = cli_option(cli, "file");
    return evidence_log_open(path, log, &why) ? cli_fail(cli, CLI_FAILED, "%s", why.text) : CLI_OK;
}

/* A note and what it says, if it is signed as it should be. The caller frees *note. */
static int
read_note(struct cli *cli, const char *path, EVP_PKEY *key, char **note, struct checkpoint *c)
{
    struct diag why = {""};
    struct buf text;
    *note = NULL;
    int status = cli_read_file(cli, path, &text);
    if (status)
        return status;
    if (checkpoint_open((const char *)text.data, text.size, cli_option(cli, "signer"), key, c,
                        &why))
        status = cli_fail(cli, CLI_FAILED, "%s: %s", path, why.text);
    else
        *note = xstrndup((const char *)text.data, text.size);
    buf_fini(&text);
    return status;
}

static int
put_result(struct cli *cli, const void *text, size_t size)
{
    const char *path = cli_option(cli, "save");
    if (path)
        return cli_write_file(cli, path, text, size);
    buf_put(&cli->out, text, size);
    return CLI_OK;
}

/* ---- Checkpoints ---- */

static int
sign(struct cli *cli, const struct evidence_log *log, EVP_PKEY *key)
{
    struct checkpoint c;
    struct diag why = {""};
    struct buf note = BUF_INIT;
    int status = CLI_OK;
    if (evidence_log_checkpoint(log, &c, &why) ||
        checkpoint_sign(&c, cli_option(cli, "name"), key, &note, &why))
        status = cli_fail(cli, CLI_FAILED, "%s", why.text);
    else
        status = put_result(cli, note.data, note.size);
    buf_fini(&note);
    return status;
}

/* Without a file, the server's newest. */
static int
ask_checkpoint(struct cli *cli)
{
    const json_t *document;
    int status = cli_get(cli, http_path("journal", "checkpoint", NULL), &document);
    if (status || cli_json(cli))
        return status;
    const char *note = text_of(document, "note");
    return put_result(cli, note, strlen(note));
}

int
cmd_journal_checkpoint(struct cli *cli)
{
    struct evidence_log *log = NULL;
    EVP_PKEY *key = NULL;
    if (!cli_option(cli, "file") && !cli_option(cli, "secret"))
        return ask_checkpoint(cli);
    int status = cli_need(cli, "file", "the journal's file, or a copy of it");
    if (!status)
        status = cli_need(cli, "secret", "the private key to sign with");
    if (!status)
        status = cli_need(cli, "name", "who signs");
    if (!status)
        status = read_key(cli, "secret", true, &key);
    if (!status)
        status = open_log(cli, &log);
    if (!status)
        status = sign(cli, log, key);
    evidence_log_close(log);
    EVP_PKEY_free(key);
    return status;
}

/* ---- Evidence ---- */

struct interval {
    uint64_t first, last; /* 0: no event */
};

/* "4711", or "4711-4720". */
static int
parse_interval(struct cli *cli, struct interval *i)
{
    const char *text = cli_argument(cli, 0);
    char *end;
    *i = (struct interval){0, 0};
    if (!text)
        return CLI_OK;
    unsigned long long first = strtoull(text, &end, 10), last = first;
    bool good = *text >= '1' && *text <= '9' && strlen(text) <= 39;
    if (good && *end == '-') {
        const char *second = end + 1;
        last = strtoull(second, &end, 10);
        good = *second >= '1' && *second <= '9' && last >= first;
    }
    if (!good || *end || last > INT64_MAX)
        return cli_fail(cli, CLI_USAGE, "%s: an event's number is expected, or FIRST-LAST", text);
    *i = (struct interval){first, last};
    return CLI_OK;
}

static int
make(struct cli *cli, struct evidence_log *log, const struct evidence_notes *notes,
     struct interval i)
{
    struct diag why = {""};
    json_t *evidence;
    if (evidence_make(log, notes, i.first, i.last, &evidence, &why))
        return cli_fail(cli, CLI_FAILED, "%s", why.text);
    char *text = json_dumps(evidence, JSON_INDENT(2));
    struct buf out = BUF_INIT;
    buf_printf(&out, "%s\n", text);
    int status = put_result(cli, out.data, out.size);
    buf_fini(&out);
    free(text);
    json_decref(evidence);
    return status;
}

static int
read_trust(struct cli *cli, struct content_trust **trust)
{
    struct diag why = {""};
    return content_trust_read(cli_option(cli, "trust"), trust, &why)
               ? cli_fail(cli, CLI_FAILED, "%s", why.text)
               : CLI_OK;
}

/* The newest that another site has countersigned, out of the file beside the journal. */
static int
choose_note(struct cli *cli, const struct evidence_log *log, uint64_t seq, char **note,
            struct checkpoint *c)
{
    const char *given = cli_option(cli, "checkpoints");
    char *path = given ? xstrdup(given) : xasprintf("%s.checkpoints", cli_option(cli, "file"));
    struct content_trust *trust = NULL;
    struct buf text = BUF_INIT;
    struct diag why = {""};
    int status = read_trust(cli, &trust);
    enum err err = status ? ERR_OK : checkpoint_log_read(path, &text, &why);
    if (!status && err) {
        status = cli_fail(cli, CLI_FAILED, "%s", why.text);
    } else if (!status && evidence_newest(log, (const char *)text.data, text.size, trust, seq, note,
                                          c, &why)) {
        status = cli_fail(cli, CLI_FAILED, "%s: %s", path, why.text);
    }
    buf_fini(&text);
    content_trust_free(trust);
    free(path);
    return status;
}

/* A checkpoint that is named is read with the key that is named. */
static int
read_named(struct cli *cli, char **note, char **older, struct evidence_notes *notes)
{
    EVP_PKEY *key = NULL;
    int status = cli_need(cli, "public", "the public key of who signed the checkpoint; or --trust");
    if (!status)
        status = cli_need(cli, "signer", "their name");
    if (!status)
        status = read_key(cli, "public", false, &key);
    if (!status && cli_option(cli, "checkpoint"))
        status = read_note(cli, cli_option(cli, "checkpoint"), key, note, &notes->now);
    if (!status && cli_option(cli, "older"))
        status = read_note(cli, cli_option(cli, "older"), key, older, &notes->before);
    EVP_PKEY_free(key);
    return status;
}

int
cmd_journal_evidence(struct cli *cli)
{
    struct evidence_notes notes = {NULL, NULL, {.size = 0}, {.size = 0}};
    struct evidence_log *log = NULL;
    char *note = NULL, *older = NULL;
    struct interval interval;
    bool named = cli_option(cli, "checkpoint");
    int status = parse_interval(cli, &interval);
    if (!status)
        status = cli_need(cli, "file", "the journal's file, or a copy of it");
    if (!status && !named)
        status = cli_need(cli, "trust", "public keys, to choose a checkpoint by; or --checkpoint");
    if (!status && (named || cli_option(cli, "older")))
        status = read_named(cli, &note, &older, &notes);
    if (!status)
        status = open_log(cli, &log);
    if (!status && !named)
        status = choose_note(cli, log, interval.last, &note, &notes.now);
    notes.note = note;
    notes.older = older;
    if (!status)
        status = make(cli, log, &notes, interval);
    evidence_log_close(log);
    free(note);
    free(older);
    return status;
}

/* ---- Checking it ---- */

static int
check(struct cli *cli, json_t **evidence, struct evidence_finding *found)
{
    struct diag why = {""};
    EVP_PKEY *key = NULL;
    struct content_trust *trust = NULL;
    const char *path = cli_argument(cli, 0), *signer = cli_option(cli, "signer");
    bool by_trust = cli_option(cli, "trust");
    *evidence = NULL;
    int status = by_trust ? read_trust(cli, &trust)
                          : cli_need(cli, "public",
                                     "the public key of who signed the checkpoint; or --trust");
    if (!status && !by_trust)
        status = cli_need(cli, "signer", "their name");
    if (!status && !by_trust)
        status = read_key(cli, "public", false, &key);
    if (!status)
        status = cli_read_json(cli, path, evidence);
    enum err err = status     ? ERR_OK
                   : by_trust ? evidence_check_trusted(*evidence, trust, found, &why)
                              : evidence_check(*evidence, signer, key, found, &why);
    if (!status && err)
        status = cli_fail(cli, CLI_FAILED, "%s: %s", path, why.text);
    content_trust_free(trust);
    EVP_PKEY_free(key);
    return status;
}

int
cmd_journal_check(struct cli *cli)
{
    struct evidence_finding found;
    json_t *evidence;
    int status = check(cli, &evidence, &found);
    const json_t *event = json_object_get(evidence, "event");
    if (!status && cli->json) {
        cli_print(cli, json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:s, s:s}", "ok", 1, "origin",
                                 found.now.origin, "events", (json_int_t)found.now.size, "event",
                                 (json_int_t)found.seq, "first-event", (json_int_t)found.first,
                                 "older-events", (json_int_t)found.before.size, "signer",
                                 found.signer, "countersigned-by", found.witnesses));
    } else if (!status) {
        text_put(&cli->out, found.now.origin, false);
        buf_printf(&cli->out, ": %llu events, signed", (unsigned long long)found.now.size);
        if (*found.witnesses) {
            buf_str(&cli->out, ", and countersigned by ");
            text_put(&cli->out, found.witnesses, false);
        }
        buf_str(&cli->out, "\n");
        if (found.before.size)
            buf_printf(&cli->out, "it begins with the %llu events of the older checkpoint\n",
                       (unsigned long long)found.before.size);
        if (found.first < found.seq)
            buf_printf(&cli->out, "events %llu to %llu are in it; the last:\n",
                       (unsigned long long)found.first, (unsigned long long)found.seq);
        if (found.seq) {
            buf_printf(&cli->out, "event %llu is in it: ", (unsigned long long)found.seq);
            text_put(&cli->out, text_of(event, "type"), false);
            buf_str(&cli->out, " ");
            text_put(&cli->out, text_of(event, "object"), false);
            buf_str(&cli->out, " by ");
            text_put(&cli->out, text_of(event, "actor"), false);
            buf_str(&cli->out, "\n");
        }
    }
    json_decref(evidence);
    return status;
}

/* ---- Witnesses ---- */

static int
countersign(struct cli *cli, const char *text, EVP_PKEY *key)
{
    struct diag why = {""};
    struct buf note = BUF_INIT;
    int status = CLI_OK;
    buf_str(&note, text);
    if (checkpoint_countersign(&note, cli_option(cli, "name"), key, &why))
        status = cli_fail(cli, CLI_FAILED, "%s", why.text);
    else
        status = put_result(cli, note.data, note.size);
    buf_fini(&note);
    return status;
}

/* The older checkpoint has this witness's own signature: it signs no fork of what it signed. */
static int
check_own(struct cli *cli, const json_t *evidence, EVP_PKEY *key)
{
    const char *older = text_of(evidence, "older.checkpoint");
    struct checkpoint c;
    struct diag why = {""};
    if (cli_has(cli, "first"))
        return CLI_OK;
    if (checkpoint_open(older, strlen(older), cli_option(cli, "name"), key, &c, &why))
        return cli_fail(
            cli, CLI_FAILED,
            "the evidence has no older checkpoint with your own signature; --first if there "
            "is none yet");
    return CLI_OK;
}

int
cmd_journal_countersign(struct cli *cli)
{
    struct evidence_finding found;
    json_t *evidence = NULL;
    EVP_PKEY *key = NULL;
    int status = cli_need(cli, "secret", "your private key");
    if (!status)
        status = cli_need(cli, "name", "yours");
    if (!status)
        status = read_key(cli, "secret", true, &key);
    if (!status)
        status = check(cli, &evidence, &found);
    if (!status)
        status = check_own(cli, evidence, key);
    if (!status)
        status = countersign(cli, text_of(evidence, "checkpoint"), key);
    json_decref(evidence);
    EVP_PKEY_free(key);
    return status;
}
