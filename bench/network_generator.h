/* network_generator.h - a network of a utility's size with its circuits, for benchmarks: the same
 * for the same numbers.
 *
 * A control centre with 20 front ends on a WAN ring with chords, 10 Gbit/s; and stations of six
 * switches in a ring, 1 Gbit/s, each attached to two WAN nodes, with three hosts per switch. */
#ifndef BENCH_NETWORK_GENERATOR_H
#define BENCH_NETWORK_GENERATOR_H

#include "model/model.h"

#define GENERATOR_MIN_SWITCHES 30

/* So many switches in all (at least GENERATOR_MIN_SWITCHES), no circuits. network_free() it. */
struct network *generate_network(uint32_t n_switches);

/* Puts circuits number `first` to `first + n - 1`, which are named after their number: three in
 * four are TCP conversations of the control centre; one in four is GOOSE within a station, every
 * other of those to the next station too. 500 kbit/s each. Numbers are below 60,000. */
void generate_circuits(struct network *, uint32_t first, uint32_t n);

#endif
