/* message_json.h - a message as a line of JSON: what `tieline-sensor --messages` prints.
 *
 *   {"frame":7,"time":"2013-04-20T10:22:41.098533000Z","from":"10.0.0.57:2387","to":"10.0.0.3:502",
 *    "protocol":"modbus","kind":"request","function":3,"name":"read-holding-registers",
 *    "act":"read","fields":[{"address":0},{"quantity":10}]}
 *
 * `fields` is a list of objects: the first has the message's own fields, each other those of one
 * object that the message is about. A field that comes several times has an array. */
#ifndef SENSOR_MESSAGE_JSON_H
#define SENSOR_MESSAGE_JSON_H

#include "base/buf.h"
#include "sensor/conversation.h"

/* Appends the line, with its line feed. */
void message_json_put(struct buf *, const struct conversation *, unsigned way, const struct frame *,
                      const struct pdu *);
/* Any octets as a JSON string: those that are not ASCII as Latin-1. */
void text_json_put(struct buf *, const void *text, size_t size);
/* "10.0.0.3:502", "[fe80::1]:53", "02:00:00:00:00:01". */
void end_put(struct buf *, const struct conversation_key *, unsigned end);

#endif
