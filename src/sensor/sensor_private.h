/* sensor_private.h - a sensor in two halves, for those who put several threads to work: one finds
 * whose packets are, others look into them. */
#ifndef SENSOR_SENSOR_PRIVATE_H
#define SENSOR_SENSOR_PRIVATE_H

#include "sensor/sensor.h"

/* Takes packets instead of looking into them. Conversations have a key, a slot, times and packets;
 * `is_new`: it is the first packet. */
struct sensor_route {
    void *arg;
    void (*packet)(void *arg, const struct conversation *, bool is_new, unsigned way,
                   const struct frame *, const struct layers *);
};
void sensor_route(struct sensor *, const struct sensor_route *);

/* A packet that was found elsewhere to be of the conversation at that place, below the number of
 * conversations. */
struct sensor_packet {
    uint32_t place, slot;
    bool is_new;
    unsigned way;
    const struct frame *frame;
    const struct layers *layers;
};
void sensor_take(struct sensor *, const struct sensor_packet *);
/* The end of the conversation at that place; NULL: no frame brings it. */
void sensor_take_end(struct sensor *, uint32_t place, const struct frame *);

#endif
