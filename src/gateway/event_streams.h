/* event_streams.h - streams of the journal's events, as server-sent events (the WHATWG's HTML
 * standard, section 9.2).
 *
 * A stream is live as long as its reader takes what comes. One that does not, or that begins in the
 * past, is behind: it reads from the journal, a piece at a time and only when the last one has
 * left, until it is live again. So a slow reader costs STREAM_PIECE octets and misses nothing; who
 * takes nothing at all is hung up on by the server, and comes back with Last-Event-ID. */
#ifndef GATEWAY_EVENT_STREAMS_H
#define GATEWAY_EVENT_STREAMS_H

#include "base/err.h"

struct event_streams; /* Opaque. */
struct gateway_service;
struct api_request;

#define STREAMS_MAX 128
#define STREAMS_PER_PERSON_MAX 8
#define STREAM_PIECE ((size_t)256 << 10) /* octets, and one event more */
#define STREAM_SEARCH 20000              /* events that are looked at for one piece */
#define HEARTBEAT                                                                                  \
    (15 * NSEC_PER_SEC) /* a comment, so that both sides see that the other is there */

/* Listens to the journal. Errors of journal_subscribe(). */
MUST_CHECK enum err event_streams_new(struct gateway_service *, struct event_streams **,
                                      struct diag *);
void event_streams_free(struct event_streams *); /* Ends all streams. NULL is fine. */

/* Events as the API has them, or as notifications of RESTCONF. */
enum event_form { EVENTS_PLAIN, EVENTS_NOTIFICATIONS };

/* Answers the request with a stream: of events whose type begins with the parameter `type`, from
 * the parameter `from`, the first one at or after `start-time`, or behind the field Last-Event-ID;
 * from now on without all three. It ends when `stop-time` is over (RFC 8040 section 4.8.8), if that
 * is given; within a heartbeat then. */
void event_streams_open(struct event_streams *, struct api_request *, enum event_form);
/* Ends those of a session. NULL is fine. */
void event_streams_end_session(struct event_streams *, const char *session);
unsigned event_streams_count(const struct event_streams *); /* streams there are */

#endif
