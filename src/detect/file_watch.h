/* file_watch.h - files that pass by, against hashes that others know to be bad (feed.h): bodies of
 * HTTP as they go over the wire, so not of what is compressed for it; files of TFTP of up to 65535
 * blocks; what goes over the data connections of FTP that PORT or 227 told of (IPv4).
 *
 * Each is hashed as its octets come, in order; nothing of it is held. Where octets are missing
 * there is no hash: it is counted. At most FILE_WATCH_FILES at once: the longest silent makes room.
 */
#ifndef DETECT_FILE_WATCH_H
#define DETECT_FILE_WATCH_H

#include "detect/feed.h"
#include "detect/watch.h"

#define FILE_WATCH_FILES 128

struct file_watch; /* Opaque. */

struct file_watch_counters {
    uint64_t files;  /* that were hashed to their end */
    uint64_t broken; /* of which octets were missing, or that were left */
};

/* Never NULL. The feed is borrowed; it has hashes. */
struct file_watch *file_watch_new(const struct watch_config *, const struct feed *);
void file_watch_free(struct file_watch *); /* NULL is fine */
const struct file_watch_counters *file_watch_counters(const struct file_watch *);

/* As the callbacks of struct sensor_config. */
void file_watch_content(struct file_watch *, const struct conversation *, unsigned way,
                        const struct frame *, const struct file_part *);
void file_watch_message(struct file_watch *, const struct conversation *, unsigned way,
                        const struct frame *, const struct pdu *);
void file_watch_data(struct file_watch *, const struct conversation *, unsigned way,
                     const struct frame *, const uint8_t *, uint32_t size, uint32_t lost);
void file_watch_taken(struct file_watch *, const struct conversation *, unsigned way,
                      const struct frame *, const struct layers *);

#endif
