/* tieline journal verify: looks at a journal's file itself, without a server to trust. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "journal/checkpoint_log.h"
#include "journal/verify.h"
#include "journal/verify_checkpoints.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "4711:9f3c..." as `journal head` writes it. */
static bool
parse_head(const char *text, struct journal_head *head)
{
    char *end;
    *head = (struct journal_head){0};
    errno = 0;
    head->seq = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != ':' || errno)
        return false;
    const char *hex = end + 1;
    if (strlen(hex) != 2 * sizeof head->hash)
        return false;
    for (size_t i = 0; i < sizeof head->hash; i++) {
        int high = digit_of(hex[2 * i]), low = digit_of(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        head->hash[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Where the journal is, if it is not said: the one of the lab whose desk this is. */
static char *
default_path(void)
{
    const char *lab = getenv("TIELINE_LAB_RUN");
    return lab && *lab ? xasprintf("%s/journal/control-centre.db", lab) : NULL;
}

static void
put_seqs(struct buf *out, const struct journal_finding *f)
{
    buf_printf(out, "event %llu", (unsigned long long)f->first);
    if (f->last > f->first)
        buf_printf(out, " to %llu", (unsigned long long)f->last);
}

static size_t
n_kept(const struct journal_report *report)
{
    return report->n_findings < JOURNAL_FINDINGS_MAX ? (size_t)report->n_findings
                                                     : JOURNAL_FINDINGS_MAX;
}

static void
put_report(struct buf *out, const char *path, const struct journal_report *report)
{
    for (size_t i = 0; i < n_kept(report); i++) {
        const struct journal_finding *f = &report->findings[i];
        text_put(out, path, false);
        buf_str(out, ": ");
        put_seqs(out, f);
        buf_printf(out, ": %s: ", journal_fault_name(f->fault));
        text_put(out, f->text, false);
        buf_str(out, "\n");
    }
    if (report->n_findings > n_kept(report))
        buf_printf(out, "... %llu findings in all\n", (unsigned long long)report->n_findings);
    if (report->n_findings)
        return;
    buf_str(out, "sound: ");
    text_put(out, report->identity.site, false);
    buf_printf(out, ", %llu events, head %llu:", (unsigned long long)report->n_events,
               (unsigned long long)report->head.seq);
    hex_put(out, report->head.hash, sizeof report->head.hash);
    buf_str(out, "\n");
}

static json_t *
report_to_json(const char *path, const struct journal_report *report)
{
    struct buf hash = BUF_INIT;
    json_t *findings = json_array();
    for (size_t i = 0; i < n_kept(report); i++) {
        const struct journal_finding *f = &report->findings[i];
        json_array_append_new(findings,
                              json_pack("{s:s, s:I, s:I, s:s}", "fault",
                                        journal_fault_name(f->fault), "first", (json_int_t)f->first,
                                        "last", (json_int_t)f->last, "text", f->text));
    }
    hex_put(&hash, report->head.hash, sizeof report->head.hash);
    json_t *json = json_pack("{s:s, s:b, s:s, s:I, s:{s:I, s:s}, s:I, s:o}", "file", path, "ok",
                             report->n_findings == 0, "site", report->identity.site, "events",
                             (json_int_t)report->n_events, "head", "seq",
                             (json_int_t)report->head.seq, "hash", buf_cstr(&hash), "n-findings",
                             (json_int_t)report->n_findings, "findings", findings);
    buf_fini(&hash);
    return json;
}

/* ---- Checkpoints ---- */

/* What they are compared with; all of it is optional. */
struct signed_ones {
    char *path; /* NULL: there are none */
    struct buf text;
    struct content_trust *trust; /* NULL: signatures are not looked at */
    struct checkpoints_report report;
};

/* The file that is named has to be there; the one beside the journal, if keys are named. */
static int
read_signed(struct cli *cli, const char *journal, struct signed_ones *s)
{
    const char *given = cli_option(cli, "checkpoints"), *trust = cli_option(cli, "trust");
    struct diag diag = {""};
    s->path = given ? xstrdup(given) : xasprintf("%s.checkpoints", journal);
    enum err err = checkpoint_log_read(s->path, &s->text, &diag);
    if (err == ERR_NOT_FOUND && !given && !trust) {
        free(s->path);
        s->path = NULL;
        return CLI_OK;
    }
    if (!err && trust)
        err = content_trust_read(trust, &s->trust, &diag);
    return err ? cli_fail(cli, CLI_FAILED, "%s", diag.text) : CLI_OK;
}

static void
signed_fini(struct signed_ones *s)
{
    free(s->path);
    buf_fini(&s->text);
    content_trust_free(s->trust);
}

static size_t
n_told(const struct checkpoints_report *report)
{
    return report->n_findings < CHECKPOINT_FINDINGS_MAX ? (size_t)report->n_findings
                                                        : CHECKPOINT_FINDINGS_MAX;
}

static void
put_signed(struct buf *out, const struct signed_ones *s)
{
    const struct checkpoints_report *r = &s->report;
    for (size_t i = 0; i < n_told(r); i++) {
        const struct checkpoint_finding *f = &r->findings[i];
        text_put(out, s->path, false);
        buf_printf(out, ": %s: ", checkpoint_fault_name(f->fault));
        text_put(out, f->text, false);
        buf_str(out, "\n");
    }
    if (r->n_findings > n_told(r))
        buf_printf(out, "... %llu findings in all\n", (unsigned long long)r->n_findings);
    buf_printf(out, "checkpoints: %llu, the journal agrees up to event %llu",
               (unsigned long long)r->n_checkpoints, (unsigned long long)r->agreed);
    if (s->trust)
        buf_printf(out, "; countersigned: %llu, up to event %llu\n",
                   (unsigned long long)r->n_countersigned, (unsigned long long)r->countersigned);
    else
        buf_str(out, "; nobody's signature was looked at: --trust KEYS\n");
}

static json_t *
signed_to_json(const struct signed_ones *s)
{
    const struct checkpoints_report *r = &s->report;
    json_t *findings = json_array();
    for (size_t i = 0; i < n_told(r); i++) {
        const struct checkpoint_finding *f = &r->findings[i];
        json_array_append_new(
            findings,
            json_pack("{s:s, s:I, s:I, s:I, s:b, s:s}", "fault", checkpoint_fault_name(f->fault),
                      "first", (json_int_t)f->first, "last", (json_int_t)f->last, "checkpoint",
                      (json_int_t)f->size, "countersigned", f->is_countersigned, "text", f->text));
    }
    return json_pack("{s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:o}", "file", s->path, "ok",
                     r->n_findings == 0, "signatures-checked", s->trust != NULL, "checkpoints",
                     (json_int_t)r->n_checkpoints, "countersigned", (json_int_t)r->n_countersigned,
                     "agreed-events", (json_int_t)r->agreed, "countersigned-events",
                     (json_int_t)r->countersigned, "n-findings", (json_int_t)r->n_findings,
                     "findings", findings);
}

/* ---- All of it ---- */

static void
put_all(struct cli *cli, const char *path, const struct journal_report *report,
        const struct signed_ones *s)
{
    if (cli->json) {
        json_t *json = report_to_json(path, report);
        if (s->path) {
            json_object_set_new(json, "checkpoints", signed_to_json(s));
            if (s->report.n_findings)
                json_object_set_new(json, "ok", json_false());
        }
        cli_print(cli, json);
        return;
    }
    put_report(&cli->out, path, report);
    if (s->path)
        put_signed(&cli->out, s);
}

static int
tell_faults(struct cli *cli, const char *path, const struct journal_report *report,
            const struct signed_ones *s)
{
    if (report->n_findings) {
        struct buf seqs = BUF_INIT;
        put_seqs(&seqs, &report->findings[0]);
        cli_fail(cli, CLI_FAILED, "%s: not sound at %s: %s", path, buf_cstr(&seqs),
                 journal_fault_name(report->findings[0].fault));
        buf_fini(&seqs);
        return CLI_FAILED;
    }
    if (s->path && s->report.n_findings)
        return cli_fail(cli, CLI_FAILED, "%s: not what was signed: %s", path,
                        s->report.findings[0].text);
    return CLI_OK;
}

static int
verify(struct cli *cli, const char *path, const struct journal_head *remembered)
{
    struct diag diag = {""};
    struct journal_report *report = xcalloc(1, sizeof *report);
    struct signed_ones *s = xcalloc(1, sizeof *s);
    int status = read_signed(cli, path, s);
    enum err err = status ? ERR_OK : journal_verify(path, remembered, report, &diag);
    if (!status && (!err || err == ERR_CORRUPT) && s->path) {
        enum err other = journal_verify_checkpoints(path, (const char *)s->text.data, s->text.size,
                                                    s->trust, &s->report, &diag);
        if (other && other != ERR_CORRUPT && !err)
            err = other;
    }
    if (err && err != ERR_CORRUPT)
        status = cli_fail(cli, CLI_FAILED, "%s", diag.text);
    if (!status) {
        put_all(cli, path, report, s);
        status = tell_faults(cli, path, report, s);
    }
    signed_fini(s);
    free(s);
    free(report);
    return status;
}

int
cmd_journal_verify(struct cli *cli)
{
    struct journal_head head;
    const char *remembered = cli_option(cli, "head"), *given = cli_option(cli, "file");
    if (remembered && !parse_head(remembered, &head))
        return cli_fail(cli, CLI_USAGE,
                        "--head: SEQ:HASH with 64 small hexadecimal digits, as `tieline journal "
                        "head` prints it");
    char *path = given ? xstrdup(given) : default_path();
    if (!path)
        return cli_fail(cli, CLI_USAGE,
                        "journal verify needs --file PATH: the journal's file, or "
                        "a copy of it");
    int status = verify(cli, path, remembered ? &head : NULL);
    free(path);
    return status;
}
