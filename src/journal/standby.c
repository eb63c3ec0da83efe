#include "journal/standby.h"

#include "base/alloc.h"
#include "io/timer.h"
#include "journal/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL (200 * NSEC_PER_MSEC)
#define AT_ONCE NSEC_PER_MSEC

struct standby {
    struct standby_config config;
    uv_loop_t *loop;
    struct timer *timer;
    struct journal_reader *reader;   /* NULL: there is no journal to be read, yet */
    uint64_t next;                   /* seq of the first event not heard yet */
    uint8_t last[JOURNAL_HASH_SIZE]; /* of the event before */
    char said[sizeof(struct diag)];
};

/* Waiting does not cure it. */
static bool
is_final(enum err err)
{
    return err && err != ERR_BUSY && err != ERR_IO && err != ERR_NOT_FOUND && err != ERR_CLOSED &&
           err != ERR_TIMEOUT;
}

static bool
hear(void *arg, const struct journal_event *event)
{
    struct standby *s = arg;
    s->next = event->seq + 1;
    memcpy(s->last, event->hash, sizeof s->last);
    s->config.event(s->config.arg, event);
    return true;
}

static bool
take_hash(void *arg, const struct journal_event *event)
{
    memcpy(arg, event->hash, JOURNAL_HASH_SIZE);
    return false;
}

/* A database that was moved to a copy may have lost events that we have heard. */
static enum err
check_last(struct standby *s, struct journal_reader *reader, struct journal *journal,
           struct diag *why)
{
    struct journal_query query = {.from = s->next - 1, .limit = 1};
    uint8_t hash[JOURNAL_HASH_SIZE] = {0};
    if (s->next == 1)
        return ERR_OK;
    enum err err = journal ? journal_read(journal, &query, take_hash, hash, why)
                           : journal_reader_read(reader, &query, take_hash, hash, why);
    if (!err && memcmp(hash, s->last, sizeof hash))
        err = diag_set(why, ERR_CORRUPT, "%s: event %llu is not the one that was there before",
                       s->config.path, (unsigned long long)s->next - 1);
    return err;
}

static enum err
open_reader(struct standby *s, struct diag *why)
{
    struct journal_reader *reader;
    enum err err = journal_reader_open(s->config.path, &reader, why);
    if (err)
        return err;
    err = check_last(s, reader, NULL, why);
    if (err)
        journal_reader_close(reader);
    else
        s->reader = reader;
    return err;
}

static enum err
read_along(struct standby *s, struct diag *why)
{
    enum err err = s->reader ? ERR_OK : open_reader(s, why);
    if (!err)
        err = journal_reader_read(s->reader, &(struct journal_query){.from = s->next}, hear, s,
                                  why);
    return err == ERR_NOT_FOUND ? ERR_OK : err; /* then it is to be made */
}

/* ERR_BUSY: somebody leads; `pause` is how long that is sure. */
static enum err
ask_who_leads(struct standby *s, nsec_t *pause, struct diag *why)
{
    struct journal_leader leader;
    char since[TIME_TEXT_SIZE];
    if (!s->reader)
        return ERR_OK;
    enum err err = journal_reader_leader(s->reader, &leader, why);
    if (err == ERR_UNSUPPORTED || (!err && !leader.left))
        return ERR_OK;
    if (err)
        return err;
    *pause = MIN(*pause, leader.left + AT_ONCE);
    return diag_set(why, ERR_BUSY, "%s leads since %s", leader.name,
                    time_format(MAX(leader.since, 0), since));
}

static void
wait_more(struct standby *s, nsec_t pause, const struct diag *why)
{
    timer_start(s->timer, pause);
    if (!strcmp(s->said, why->text))
        return;
    snprintf(s->said, sizeof s->said, "%s", why->text);
    s->config.waits(s->config.arg, why->text);
}

static void
look(void *arg)
{
    struct standby *s = arg;
    struct journal *journal = NULL;
    struct diag why = {""};
    nsec_t pause = s->config.poll;
    enum err err = read_along(s, &why);
    if (!err)
        err = ask_who_leads(s, &pause, &why);
    if (!err)
        err = journal_open(s->loop, s->config.path, &s->config.journal, &journal, &why);
    if (journal && (err = check_last(s, NULL, journal, &why))) {
        journal_close(journal, NULL, NULL);
        journal = NULL;
    }
    if (err == ERR_IO || err == ERR_CLOSED) { /* the next one may be another server's */
        journal_reader_close(s->reader);
        s->reader = NULL;
    }
    if (err && !is_final(err) && (err != ERR_NOT_FOUND || s->config.journal.site))
        wait_more(s, pause, &why);
    else
        s->config.turn(s->config.arg, journal, s->next, err, why.text);
}

struct standby *
standby_new(uv_loop_t *loop, const struct standby_config *config)
{
    struct standby *s = xcalloc(1, sizeof *s);
    s->config = *config;
    s->config.poll = config->poll ? config->poll : POLL;
    s->loop = loop;
    s->next = 1;
    s->timer = timer_new(loop, look, s);
    timer_start(s->timer, 0);
    return s;
}

void
standby_free(struct standby *s)
{
    if (!s)
        return;
    timer_free(s->timer);
    journal_reader_close(s->reader);
    free(s);
}
