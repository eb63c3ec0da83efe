/* handlers_journal.c - the journal, a page at a time. A page is bounded in what is in it, in its
 * size, and in how much of the journal is looked at for it, because all of that happens between two
 * turns of the loop. */
#include "gateway/handlers.h"

#include "base/hex.h"
#include "gateway/event_json.h"
#include "gateway/event_streams.h"
#include "gateway/service_private.h"

#include <inttypes.h>
#include <string.h>

#define PAGE_EVENTS 100             /* unless the request says otherwise */
#define PAGE_SIZE ((size_t)1 << 20) /* octets, and one event more */
#define PAGE_SEARCH UINT64_C(20000) /* events that are looked at */

struct page {
    struct buf text;
    uint64_t n, limit;
    uint64_t next; /* the seq behind the last one that is in it */
    bool full;
};

static bool
take_event(void *arg, const struct journal_event *event)
{
    struct page *page = arg;
    page->next = event->seq + 1;
    if (page->n++)
        buf_str(&page->text, ",");
    event_put_json(&page->text, event);
    page->full = page->n >= page->limit || page->text.size >= PAGE_SIZE;
    return !page->full;
}

static void
put_identity(struct buf *out, const struct journal *journal)
{
    char created[TIME_TEXT_SIZE];
    const struct journal_identity *identity = journal_identity(journal);
    buf_str(out, "{\"identity\":{\"id\":\"");
    hex_put(out, identity->id, sizeof identity->id);
    buf_printf(out, "\",\"site\":\"%s\",\"epoch\":%" PRIu64 ",\"created\":\"%s\"}", identity->site,
               identity->epoch, time_format(identity->created, created));
}

static void
put_head(struct buf *out, const struct journal_head *head)
{
    char time[TIME_TEXT_SIZE];
    buf_printf(out, ",\"head\":{\"seq\":%" PRIu64 ",\"epoch\":%" PRIu64 ",", head->seq,
               head->epoch);
    buf_printf(out, "\"time\":\"%s\",\"hash\":\"", time_format(head->time, time));
    hex_put(out, head->hash, sizeof head->hash);
    buf_str(out, "\"},\"events\":[");
}

void
api_get_journal(struct api_request *r)
{
    struct journal *journal = r->service->config.journal;
    const struct journal_head *head = journal_head(journal);
    struct diag diag = {""};
    uint64_t from = api_number(r, "from", 1);
    uint64_t last = MIN(api_number(r, "to", head->seq), head->seq);
    uint64_t to = last - MIN(last, from) < PAGE_SEARCH ? last : from + PAGE_SEARCH - 1;
    struct page page = {.limit = api_number(r, "limit", PAGE_EVENTS)};
    struct journal_query query = {.from = from,
                                  .to = to,
                                  .type_prefix = api_text(r, "type"),
                                  .object = api_text(r, "object"),
                                  .actor = api_text(r, "actor")};
    put_identity(&page.text, journal);
    put_head(&page.text, head);
    enum err err = from <= to ? journal_read(journal, &query, take_event, &page, &diag) : ERR_OK;
    uint64_t next = page.full ? page.next : MAX(from, to + 1);
    buf_str(&page.text, "]");
    if (next <= last)
        buf_printf(&page.text, ",\"next\":%" PRIu64, next);
    buf_str(&page.text, "}");
    if (err)
        api_fail(r, err, "%s", diag.text);
    else
        api_answer_text(r, &page.text);
    buf_fini(&page.text);
}

void
api_get_events(struct api_request *r)
{
    event_streams_open(r->service->events, r, EVENTS_PLAIN);
}
