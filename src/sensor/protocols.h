/* protocols.h - all protocols that the sensor knows. */
#ifndef SENSOR_PROTOCOLS_H
#define SENSOR_PROTOCOLS_H

#include "dissect/protocol.h"

extern const struct protocol *const protocols_all[]; /* ends with NULL */

#endif
