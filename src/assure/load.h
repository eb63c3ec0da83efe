/* load.h - how many test packets of which size, how far apart. Pure.
 *
 * Test packets share the circuit's meter, so a test must fit in it with what the circuit carries
 * meanwhile:
 *
 *     LOAD_LATENCY    packets of the circuit's typical size, at half its committed rate; fewer of
 *                     them where they would take long
 *     LOAD_COMMITTED  95 % of the committed rate: nothing of it may be lost; smaller packets where
 *                     there would be only a few in half a second
 *     LOAD_EXCESS     three times the rate until the meter's burst is used up once over: at least
 *                     a third of it has to be lost. It takes the circuit's own packets with it.
 *     LOAD_WATCH      a few packets at a tenth of the rate, for surveillance
 *
 * Octets are of frames without their check sequence, as meters count them. */
#ifndef ASSURE_LOAD_H
#define ASSURE_LOAD_H

#include "model/finding.h"
#include "model/model.h"

enum load_kind { LOAD_LATENCY, LOAD_COMMITTED, LOAD_EXCESS, LOAD_WATCH, LOAD_MAX };

#define WATCH_PACKETS 5

struct load_limits {
    uint32_t latency_packets;    /* of LOAD_LATENCY; 0: 100 */
    uint32_t watch_packets;      /* of LOAD_WATCH; 0: WATCH_PACKETS */
    uint32_t packets_per_second; /* most that a node sends; 0: LOAD_PACKETS_PER_SECOND */
    nsec_t duration;             /* most that one load takes; 0: 10 s */
};

#define LOAD_PACKETS_PER_SECOND 5000

struct load {
    enum load_kind kind;
    uint32_t packets;
    uint32_t interval_us; /* from one packet to the next */
    uint32_t size;        /* octets of a frame */
};

/* STAMP's 44 octets behind UDP, IPv4, Ethernet and a VLAN tag are 90; with a Timestamp Information
 * and a Follow-Up Telemetry TLV 118. */
#define TEST_FRAME_MIN 128
#define TEST_FRAME_MAX 1514

/* Octets in a frame as this circuit usually carries: what is known of GOOSE, SV and SCADA. */
uint32_t circuit_typical_size(const struct circuit *);
/* The meter's burst as it is set in the node, which counts in 1000 bits, rounded up; octets. */
uint32_t circuit_burst_octets(const struct circuit *);

/* False: this load cannot be made for this circuit (its meter lets no test packet pass, or a node
 * cannot send as much), and a finding says why; also if it is made smaller than it should be.
 * `findings` may be NULL. */
bool load_make(const struct circuit *, enum load_kind, const struct load_limits *, struct load *,
               struct findings *);

/* From the first packet to the last, if all goes as planned. */
nsec_t load_duration(const struct load *);
/* Octets per second, as kbit/s. */
uint32_t load_kbps(const struct load *);
/* Packets per second, rounded up. */
uint32_t load_packet_rate(const struct load *);
/* The most octets that the circuit's meter passes of this load. */
uint64_t load_passes_octets(const struct circuit *, const struct load *);

#endif
