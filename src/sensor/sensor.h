/* sensor.h - frames in, messages of conversations out: the passive reader, without its sources and
 * without what is made of it. Pure: the time is the frames', memory is bounded by the config. One
 * thread calls it, and is told; several sensors share nothing.
 *
 * With `cores` threads of its own take the frames apart (crew.h). What is told is the same and in
 * the same order, but it comes later: during one of the next calls, sensor_settle() at the latest,
 * and with conversations that are the teller's (transcript.h). */
#ifndef SENSOR_SENSOR_H
#define SENSOR_SENSOR_H

#include "sensor/conversation.h"

struct sensor; /* Opaque. */

struct sensor_config {
    const struct protocol *const *protocols; /* ends with NULL; borrowed */
    uint32_t conversations;                  /* at once, at most; 0: 65536 */
    size_t memory;    /* octets for what is not in order or not whole; 0: 64 MiB */
    nsec_t silence;   /* a conversation of which nothing was heard so long has ended; 0: 10 min */
    unsigned cores;   /* threads that are used, the caller's among them; 0, 1: that alone */
    bool octets_stay; /* a frame's octets stay where they are until sensor_settle() */
    void *arg;
    /* A frame, before what is told of it. NULL is fine, here and below. */
    void (*heard)(void *arg, const struct frame *);
    /* With three cores and more: who is told the same before, by a thread of its own. Of it `arg`
     * and `packet`, `odd`, `message` and `malformed` count. NULL: nobody. */
    const struct sensor_config *early;
    /* A new one, by its first frame, which this way sent; also one of the same ends and ports that
     * begins anew, after the old has ended. */
    void (*opened)(void *arg, const struct conversation *, unsigned way, const struct frame *,
                   const struct layers *);
    /* A message: valid during the call, as is the frame that completed it, which is without its
     * octets if they had to wait for others. */
    void (*message)(void *arg, const struct conversation *, unsigned way, const struct frame *,
                    const struct pdu *);
    /* One that could not be understood, or not to its end: which field, at which octet of it. */
    void (*malformed)(void *arg, const struct conversation *, unsigned way, const struct frame *,
                      const struct cursor *);
    /* Every packet of a conversation, before it is looked into: of the conversation the counters
     * have it, and nothing else has yet. NULL is fine. */
    void (*packet)(void *arg, const struct conversation *, unsigned way, const struct frame *,
                   const struct layers *);
    /* Octets of a stream that do not fit what was there: STREAM_DIFFERS or STREAM_FOREIGN. NULL is
     * fine. */
    void (*odd)(void *arg, const struct conversation *, unsigned way, const struct frame *,
                enum stream_news);
    /* So many octets of the stream are missing, before what is told next of it: the conversation
     * has them counted. NULL is fine. */
    void (*missing)(void *arg, const struct conversation *, unsigned way, uint32_t lost);
    /* Octets of a stream, in order; `lost` are missing before them. What was understood in them has
     * been told before. NULL is fine. */
    void (*data)(void *arg, const struct conversation *, unsigned way, const struct frame *,
                 const uint8_t *, uint32_t size, uint32_t lost);
    /* Octets of files, as their protocols know them: valid during the call. NULL is fine. */
    void (*content)(void *arg, const struct conversation *, unsigned way, const struct frame *,
                    const struct file_part *);
    /* Every packet of a conversation, after all that it completed. NULL is fine. */
    void (*taken)(void *arg, const struct conversation *, unsigned way, const struct frame *,
                  const struct layers *);
    /* Before it is forgotten. */
    void (*ended)(void *arg, const struct conversation *);
};

struct sensor_counters {
    uint64_t frames, octets;
    uint64_t faults[5]; /* by enum layers_fault */
    uint64_t fragments, datagrams_rebuilt, fragments_dropped;
    uint64_t segments, holes, octets_lost, repeated, differing, foreign;
    uint64_t messages, malformed, octets_skipped;
    uint64_t conversations;
};

struct sensor *sensor_new(const struct sensor_config *); /* never NULL */
void sensor_free(struct sensor *);                       /* ends all conversations; NULL is fine */
void sensor_frame(struct sensor *, const struct frame *);
/* Is the one of `early` told? What it notes while it is told something, of `size` octets and
 * aligned for any word, can be read where the same is told later, one after the other. NULL: no
 * more. */
bool sensor_is_early(const struct sensor *);
void *sensor_note(struct sensor *, size_t size);
const void *sensor_noted(struct sensor *);
/* All that was given has been told. Every function below does that first. */
void sensor_settle(struct sensor *);
/* Nothing comes any more: all conversations end. */
void sensor_end(struct sensor *);
/* Nothing comes: so late it is. */
void sensor_tick(struct sensor *, nsec_t now);
/* As conversations_each(). */
void sensor_each(struct sensor *, nsec_t since, void (*)(void *arg, struct conversation *),
                 void *arg);
const struct sensor_counters *sensor_counters(struct sensor *);

#endif
