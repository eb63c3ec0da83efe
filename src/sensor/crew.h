/* crew.h - a sensor whose work several threads share. What it tells is told by the thread that
 * calls, in the order in which one thread alone would tell it.
 *
 * Frames go in batches through a ring of CREW_BATCHES. Who calls fills one after the other; threads
 * take them apart, and write transcripts of what there is to tell; who calls tells it, when the
 * ring is full or when all is to be told. A batch is handed on as a whole: nothing is locked for a
 * frame.
 *
 * With two cores there is one thread, with a whole sensor: it does exactly what it would do alone.
 * If somebody is to be told early, the third has a thread to tell him. With more, one finds whose
 * packets are (layers, fragments, the table of conversations), and each of the others looks into
 * those of its conversations: number `slot` modulo so many. As the table is one, what is of which
 * conversation, which of them make room and when they end is as with one thread. What is not:
 * memory. Each thread has its share of it, and where that is used up a conversation goes without
 * state, while one thread alone would end the longest silent. Pure but for the threads. */
#ifndef SENSOR_CREW_H
#define SENSOR_CREW_H

#include "sensor/sensor.h"

#define CREW_BATCHES 8
#define CREW_FRAMES 1024                  /* of a batch */
#define CREW_OCTETS ((size_t)1024 << 10)  /* ... in its frames; the last may be larger */
#define CREW_TRANSCRIPT ((size_t)8 << 20) /* who wrote more waits until it is told */
#define CREW_MOST 64                      /* threads */

struct crew; /* Opaque. */

/* All of it set, `cores` at least 2. NULL: threads cannot be started. */
struct crew *crew_new(const struct sensor_config *);
void crew_free(struct crew *); /* ends all conversations; NULL is fine */
void crew_frame(struct crew *, const struct frame *);
void crew_settle(struct crew *);
bool crew_is_early(const struct crew *);
void *crew_note(struct crew *, size_t size);
const void *crew_noted(struct crew *);
void crew_tick(struct crew *, nsec_t now);
void crew_end(struct crew *);
void crew_each(struct crew *, nsec_t since, void (*)(void *arg, struct conversation *), void *arg);
void crew_count(struct crew *, struct sensor_counters *);

#endif
