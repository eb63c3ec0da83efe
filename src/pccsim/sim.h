/* sim.h - many simulated PCCs on one event loop. */
#ifndef PCCSIM_SIM_H
#define PCCSIM_SIM_H

#include "base/buf.h"
#include "pccsim/pccsim_options.h"

#include <uv.h>

struct sim; /* Opaque; the loop's thread only. */

/* Starts to connect. `ended` is called once when it has come to its end by itself (duration, or all
 * synchronised). ERR_INVALID: an address; others as of the certificates' files. */
MUST_CHECK enum err sim_new(uv_loop_t *, const struct pccsim_options *, void (*ended)(void *arg),
                            void *arg, struct sim **, struct diag *);
void sim_free(struct sim *); /* NULL is fine. */

/* What became of it until now, as one JSON object with an end of line. */
void sim_summary(const struct sim *, struct buf *);

#endif
