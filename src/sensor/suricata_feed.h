/* suricata_feed.h - what the sensor hears, for rules of Suricata (suricata/suricata.h): functions
 * as struct sensor_config has them, and what is told of them as lines of JSON. */
#ifndef SENSOR_SURICATA_FEED_H
#define SENSOR_SURICATA_FEED_H

#include "base/buf.h"
#include "sensor/conversation.h"
#include "suricata/suricata.h"

void suricata_feed_message(struct suricata_matcher *, const struct conversation *, unsigned way,
                           const struct frame *, const struct pdu *);
void suricata_feed_content(struct suricata_matcher *, const struct conversation *, unsigned way,
                           const struct frame *, const struct file_part *);
void suricata_feed_data(struct suricata_matcher *, const struct conversation *, unsigned way,
                        const struct frame *, const uint8_t *, uint32_t size, uint32_t lost);
void suricata_feed_packet(struct suricata_matcher *, const struct conversation *, unsigned way,
                          const struct frame *, const struct layers *);

/* {"suricata":{"action","gid","sid","rev","msg","classtype"?,"priority","references"?},"frame",
 *  "time","from","to","protocol"?} and a line feed. */
void suricata_alert_put(struct buf *, const struct suricata_info *, const struct suricata_where *);
/* {"suricata-unsupported":{"file","line","sid"?,"keyword","why"}}, or "suricata-malformed". */
void suricata_refusal_put(struct buf *, const struct suricata_refusal *);

#endif
