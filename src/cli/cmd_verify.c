/* tieline journal verify: looks at a journal's file itself, without a server to trust. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "journal/verify.h"

#include <errno.h>
#include <stdio.h>
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

static void
put_hex(struct buf *out, const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++)
        buf_printf(out, "%02x", octets[i]);
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
    put_hex(out, report->head.hash, sizeof report->head.hash);
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
    put_hex(&hash, report->head.hash, sizeof report->head.hash);
    json_t *json = json_pack("{s:s, s:b, s:s, s:I, s:{s:I, s:s}, s:I, s:o}", "file", path, "ok",
                             report->n_findings == 0, "site", report->identity.site, "events",
                             (json_int_t)report->n_events, "head", "seq",
                             (json_int_t)report->head.seq, "hash", buf_cstr(&hash), "n-findings",
                             (json_int_t)report->n_findings, "findings", findings);
    buf_fini(&hash);
    return json;
}

static int
verify(struct cli *cli, const char *path, const struct journal_head *remembered)
{
    struct diag diag = {""};
    struct journal_report *report = xcalloc(1, sizeof *report);
    enum err err = journal_verify(path, remembered, report, &diag);
    int status = err ? CLI_FAILED : CLI_OK;
    if (err && err != ERR_CORRUPT) {
        status = cli_fail(cli, CLI_FAILED, "%s", diag.text);
    } else if (cli->json) {
        cli_print(cli, report_to_json(path, report));
    } else {
        put_report(&cli->out, path, report);
    }
    if (err == ERR_CORRUPT) {
        struct buf seqs = BUF_INIT;
        put_seqs(&seqs, &report->findings[0]);
        cli_fail(cli, status, "%s: not sound at %s: %s", path, buf_cstr(&seqs),
                 journal_fault_name(report->findings[0].fault));
        buf_fini(&seqs);
    }
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
