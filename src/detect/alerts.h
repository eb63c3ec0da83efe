/* alerts.h - hits become alerts that people can work with: one for what happens again and again,
 * grouped into incidents by who is behind them, with all that is known, and never a flood.
 *
 * - An alert is a rule about what it tells apart (or else the same ends). What happens again is
 *   counted; it is told at once when it begins, then when the count has doubled, but not more often
 *   than every `pause`, and a minute later what is left to tell. After `quiet` without it, it is
 * over: the next one is a new alert, which names the old one as similar.
 * - An incident is all alerts that share a source, or whose source was the target of another one in
 *   it, within `quiet`: a scan, the writes that follow it, and what the victim does then.
 * - `burst` new alerts a minute are told, ten times as many of those that are high or critical;
 * what is more is counted by rule and told as one.
 *
 * Pure; bounded: the longest quiet alert makes room. */
#ifndef DETECT_ALERTS_H
#define DETECT_ALERTS_H

#include "detect/detector.h"

#define ALERTS_MAX 4096
#define INCIDENTS_MAX 512
#define ALERT_SIMILAR 4 /* earlier ones that are named */
#define ALERT_TEXT_MAX 400

struct alerts; /* Opaque. */

struct alerts_config {
    const char *sensor; /* its name; begins the ids; copied */
    nsec_t quiet;       /* 0: 15 minutes */
    nsec_t pause;       /* 0: 10 seconds */
    uint32_t burst;     /* 0: 100 */
    void *arg;
    /* An alert as JSON, without a line feed: new, or told again. */
    void (*told)(void *arg, const char *json, size_t size, enum rule_severity, bool is_new);
    /* What is known of an address: {"vendor": "ABB", ...}. Appends nothing if it is nothing. NULL
     * is fine. */
    void (*describe)(void *arg, const struct who *, struct buf *json);
    /* Keeps the packets of a new alert; the name of the file, or NULL. NULL is fine. */
    const char *(*keep)(void *arg, const struct hit *, uint64_t number);
};

struct alerts *alerts_new(const struct alerts_config *); /* never NULL */
void alerts_free(struct alerts *);                       /* NULL is fine */
/* Before the first one: numbers are larger than these. Later it does nothing. */
void alerts_go_on(struct alerts *, uint64_t alert, uint64_t incident);
void alerts_hit(struct alerts *, const struct hit *);
/* Tells what was held back, and ends what is quiet. */
void alerts_tick(struct alerts *, nsec_t now);
uint32_t alerts_number(const struct alerts *);    /* that were begun */
uint64_t alerts_held_back(const struct alerts *); /* that were not told by themselves */
/* {"incident": id, "first", "last", "alerts": n, "severity", "rules": [], "techniques": [],
 *  "sources": [], "targets": []} of each; stops when the function returns false. */
void incidents_each(struct alerts *, bool (*)(void *arg, const char *json, size_t), void *arg);

#endif
