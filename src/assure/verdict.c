#include "assure/verdict.h"

#include "assure/rules.h"
#include "base/alloc.h"

#include <inttypes.h>
#include <stdio.h>

static const struct rule_row rules[] = {
#define ASSURE_RULE_ROW(name, value, unit, reason) {#name, value, unit, reason},
    ASSURE_RULES(ASSURE_RULE_ROW)
#undef ASSURE_RULE_ROW
};

const struct rule_row *
assure_rules(uint32_t *n)
{
    *n = ARRAY_SIZE(rules);
    return rules;
}

nsec_t
latency_margin(nsec_t p50)
{
    return MAX(rule_margin_us * NSEC_PER_USEC, p50 * rule_margin_percent / 100);
}

/* The 99th percentile, as far as it counts. It is the noise of a moment: rounds are judged by their
 * medians, which such noise hardly moves. */
static nsec_t
bounded_p99(const struct entry *e)
{
    nsec_t noise = MAX(rule_margin_us * NSEC_PER_USEC, e->p50 * rule_noise_percent / 100);
    return MIN(e->p99, e->p50 + noise);
}

nsec_t
latency_ceiling(const struct entry *e)
{
    return bounded_p99(e) + latency_margin(e->p50);
}

nsec_t
latency_floor(const struct entry *e)
{
    return e->min - latency_margin(e->p50);
}

char *
latency_format(nsec_t latency, char *text)
{
    if (latency < NSEC_PER_MSEC)
        snprintf(text, LATENCY_TEXT_SIZE, "%" PRId64 " us", (latency + 500) / 1000);
    else
        snprintf(text, LATENCY_TEXT_SIZE, "%.3f ms", (double)latency / 1e6);
    return text;
}

/* ---- Entries ---- */

struct judging {
    const struct circuit *circuit;
    struct findings *findings;
};

/* A finding about an entry: "primary path, forward to rtu-a: ...". */
static void PRINTF_LIKE(5, 6)
    tell(const struct judging *j, const struct entry *e, enum severity severity, const char *code,
         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    findings_add(j->findings, severity, code, "circuit", j->circuit->name, NULL,
                 "%s path, %s to %s: %s", test_path_word(e->path),
                 test_direction_word(e->direction), e->receiver, text);
    free(text);
}

static void
judge_loss(const struct judging *j, const struct entry *e)
{
    uint32_t sent = e->sent - e->committed_sent, lost = e->lost - e->committed_lost;
    if (sent && lost == sent)
        tell(j, e, SEVERITY_ERROR, "nothing-arrives", "none of %u packets arrived", sent);
    else if (lost)
        tell(j, e, SEVERITY_ERROR, "loss", "%u of %u packets were lost", lost, sent);
    if (e->committed_lost)
        tell(j, e, SEVERITY_ERROR, "loss-at-rate",
             "%u of %u packets were lost at 95 %% of the committed rate", e->committed_lost,
             e->committed_sent);
    else if (e->committed_sent &&
             (uint64_t)e->rate_kbps * 100 < (uint64_t)e->committed_kbps * rule_sent_percent)
        tell(j, e, SEVERITY_WARNING, "sent-slowly",
             "the test was sent at %u kbit/s instead of %u: the committed rate is not proved",
             e->rate_kbps, e->committed_kbps);
}

static void
judge_latency(const struct judging *j, const struct entry *e)
{
    char is[LATENCY_TEXT_SIZE], limit[LATENCY_TEXT_SIZE];
    nsec_t budget = j->circuit->max_latency_us * NSEC_PER_USEC;
    if (!budget || e->lost == e->sent)
        return;
    latency_format(budget, limit);
    if (!e->has_latency)
        tell(j, e, SEVERITY_WARNING, "latency-unknown",
             "the latency is not known, so whether it is within %s", limit);
    else if (e->p99 > budget)
        tell(j, e, SEVERITY_ERROR, "latency",
             "one packet in a hundred takes %s or longer, allowed are %s",
             latency_format(e->p99, is), limit);
    else if (e->max > budget)
        tell(j, e, SEVERITY_WARNING, "latency-once", "one packet took %s, allowed are %s",
             latency_format(e->max, is), limit);
}

/* Both directions of a path have the same; it is told once. */
static void
judge_asymmetry(const struct judging *j, const struct entry *e)
{
    char is[LATENCY_TEXT_SIZE], limit[LATENCY_TEXT_SIZE];
    nsec_t budget = j->circuit->max_asymmetry_us * NSEC_PER_USEC;
    if (!budget || e->lost == e->sent || e->direction != DIRECTION_FORWARD)
        return;
    latency_format(budget, limit);
    if (!e->has_asymmetry)
        tell(j, e, SEVERITY_WARNING, "asymmetry-unknown",
             "how far the directions are apart is not known, so whether it is within %s", limit);
    else if (e->asymmetry > budget)
        tell(j, e, SEVERITY_ERROR, "asymmetry", "the directions are %s apart, allowed are %s",
             latency_format(e->asymmetry, is), limit);
}

static void
compare(const struct judging *j, const struct entry *e, const struct entry *before)
{
    char is[LATENCY_TEXT_SIZE], was[LATENCY_TEXT_SIZE];
    if (!before || !before->has_latency || !e->has_latency ||
        before->synchronised != e->synchronised)
        return;
    if (e->p50 > latency_ceiling(before))
        tell(j, e, SEVERITY_WARNING, "slower", "the latency is %s, it was %s before",
             latency_format(e->p50, is), latency_format(before->p50, was));
    else if (e->p50 < latency_floor(before))
        tell(j, e, SEVERITY_WARNING, "faster", "the latency is %s, it was %s before: another path?",
             latency_format(e->p50, is), latency_format(before->p50, was));
}

void
verdict_entries(const struct circuit *circuit, const struct entries *entries,
                const struct entries *before, struct findings *findings)
{
    struct judging j = {circuit, findings};
    for (uint32_t i = 0; i < entries->n; i++) {
        const struct entry *e = &entries->list[i];
        judge_loss(&j, e);
        judge_latency(&j, e);
        judge_asymmetry(&j, e);
        if (before)
            compare(&j, e, entries_find(before, e->path, e->direction, e->receiver));
    }
}

void
verdict_noise(const struct circuit *circuit, const struct entries *entries,
              struct findings *findings)
{
    struct judging j = {circuit, findings};
    char p50[LATENCY_TEXT_SIZE], p99[LATENCY_TEXT_SIZE], limit[LATENCY_TEXT_SIZE];
    for (uint32_t i = 0; i < entries->n; i++) {
        const struct entry *e = &entries->list[i];
        if (!e->has_latency || e->p99 <= bounded_p99(e))
            continue;
        tell(&j, e, SEVERITY_WARNING, "noisy",
             "the fingerprint is noisy: half of the packets take %s or longer, one in a hundred "
             "%s; surveillance allows %s",
             latency_format(e->p50, p50), latency_format(e->p99, p99),
             latency_format(latency_ceiling(e), limit));
    }
}

/* ---- The meter ---- */

void
verdict_excess(const struct circuit *c, const struct test_session *s, const struct load *load,
               const struct node_answer *answer, struct findings *findings)
{
    struct load sent = *load;
    if (answer->sent > 1)
        sent.interval_us = (uint32_t)(answer->span / (answer->sent - 1) / NSEC_PER_USEC);
    sent.packets = MAX(answer->sent, 1);
    uint64_t most = load_passes_octets(c, &sent) * rule_excess_percent / 100 + 2 * answer->size;
    uint64_t offered = (uint64_t)answer->sent * answer->size;
    for (uint32_t i = 0; i < s->n_receivers; i++) {
        const struct measured *m = &answer->receivers[i];
        uint64_t passed = (uint64_t)(answer->sent - measured_lost_forward(m)) * answer->size;
        const char *to = s->receivers[i].hosts[0];
        if (offered <= most)
            findings_add(findings, SEVERITY_WARNING, "meter-not-tested", "circuit", c->name, NULL,
                         "node %s could not send more than the meter lets pass", s->node);
        else if (passed > most)
            findings_add(findings, SEVERITY_ERROR, "meter", "circuit", c->name, NULL,
                         "the meter does not hold: of %" PRIu64
                         " octets sent above the rate, %" PRIu64
                         " arrived at %s, allowed are %" PRIu64,
                         offered, passed, to, most);
        else
            findings_add(findings, SEVERITY_INFO, "meter-holds", "circuit", c->name, NULL,
                         "the meter holds: of %" PRIu64 " octets sent above the rate, %" PRIu64
                         " arrived at %s, allowed are %" PRIu64,
                         offered, passed, to, most);
    }
}
