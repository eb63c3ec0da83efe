#include "assure/load.h"

#define LATENCY_PACKETS 100
#define LATENCY_PACKETS_MIN 20 /* fewer have no 99th percentile to speak of */
#define DURATION (10 * NSEC_PER_SEC)

#define COMMITTED_DURATION_US 500000
#define COMMITTED_PACKETS_MIN 30

/* A hundred packets have a 99th percentile, which is worth this long; what takes longer will have
 * none and needs only as many as have a median. */
#define LATENCY_DURATION (4 * NSEC_PER_SEC)
/* A meter that takes longer to fill is not tested at the expense of those who wait in line. */
#define EXCESS_DURATION (3 * NSEC_PER_SEC)

#define LATENCY_INTERVAL_MIN_US 1000 /* so that one packet does not queue behind another */
#define WATCH_INTERVAL_MIN_US 20000

/* The share of the committed rate that a load takes, in percent. */
static const uint32_t shares[LOAD_MAX] = {50, 95, 300, 10};

uint32_t
circuit_typical_size(const struct circuit *c)
{
    /* A GOOSE message with a few dozen data is 200 to 300 octets; IEC 61850-9-2LE at 80 samples
     * per period, one ASDU, about 140. Polls of IEC 60870-5-104, DNP3 and Modbus are below 128. */
    static const uint32_t multicast[MULTICAST_APPLICATION_MAX] = {300, 140};
    static const uint32_t ip[CLASS_MAX] = {[CLASS_BULK] = 1400,
                                           [CLASS_ENGINEERING] = 512,
                                           [CLASS_SCADA] = 128,
                                           [CLASS_PROTECTION] = 200};
    return c->kind == CIRCUIT_IP ? ip[c->service_class] : multicast[c->multicast.application];
}

uint32_t
circuit_burst_octets(const struct circuit *c)
{
    uint64_t kilobits = ((uint64_t)c->burst_octets * 8 + 999) / 1000;
    return (uint32_t)MIN(kilobits * 125, UINT32_MAX);
}

/* The time one packet takes at this share of the circuit's rate, rounded up. */
static uint64_t
interval_us(const struct circuit *c, uint32_t size, uint32_t share)
{
    uint64_t rate = (uint64_t)c->rate_kbps * share; /* in 10 bit/s */
    return ((uint64_t)size * 8 * 100000 + rate - 1) / rate;
}

/* Smaller packets where large ones would be only a few in the time of the load: meters count
 * octets, whatever their packets. */
static uint32_t
lower_size(const struct circuit *c, uint32_t size, uint32_t share)
{
    uint64_t octets = (uint64_t)c->rate_kbps * share * COMMITTED_DURATION_US / 800000;
    return (uint32_t)MIN(size, MAX(octets / COMMITTED_PACKETS_MIN, TEST_FRAME_MIN));
}

/* Larger packets where small ones would be too many per second. */
static uint32_t
raise_size(const struct circuit *c, uint32_t size, uint32_t share, uint32_t least_us, uint32_t most)
{
    uint64_t octets = ((uint64_t)c->rate_kbps * share * least_us + 799999) / 800000;
    return (uint32_t)MIN(MAX(octets, size), most);
}

static void
tell(struct findings *findings, const struct circuit *c, const char *code, const char *text)
{
    if (findings)
        findings_add(findings, SEVERITY_WARNING, code, "circuit", c->name, NULL, "%s", text);
}

static uint32_t
or_default(uint32_t value, uint32_t fallback)
{
    return value ? value : fallback;
}

/* Packets that go on for this long. */
static uint64_t
packets_in(uint64_t duration_us, uint64_t interval)
{
    return duration_us / interval + 1;
}

static uint64_t
packets_wanted(const struct circuit *c, enum load_kind kind, const struct load_limits *limits,
               uint64_t interval)
{
    switch (kind) {
    case LOAD_LATENCY:
        return or_default(limits->latency_packets, LATENCY_PACKETS);
    case LOAD_COMMITTED:
        return MAX(packets_in(COMMITTED_DURATION_US, interval), COMMITTED_PACKETS_MIN);
    case LOAD_EXCESS:
        /* As long as the meter takes to refill its burst: it passes twice the burst, of three times
         * of it that are sent. */
        return MAX(packets_in((uint64_t)circuit_burst_octets(c) * 8000 / c->rate_kbps, interval),
                   COMMITTED_PACKETS_MIN);
    default:
        return or_default(limits->watch_packets, WATCH_PACKETS);
    }
}

/* Fewer packets where they would take too long. */
static bool
bound_packets(const struct circuit *c, struct load *load, uint64_t wanted, nsec_t duration,
              struct findings *findings)
{
    bool excess = load->kind == LOAD_EXCESS;
    nsec_t most = excess ? MIN(duration, EXCESS_DURATION) : duration;
    uint64_t possible = packets_in((uint64_t)(most / NSEC_PER_USEC), load->interval_us);
    uint64_t worthwhile = wanted;
    if (load->kind == LOAD_LATENCY)
        worthwhile = MAX(packets_in(LATENCY_DURATION / NSEC_PER_USEC, load->interval_us),
                         LATENCY_PACKETS_MIN);
    load->packets = (uint32_t)MIN(wanted, MIN(possible, worthwhile));
    if (load->packets == wanted)
        return true;
    if (excess || load->packets < 2) {
        tell(findings, c, "too-slow",
             excess ? "its rate is too low to test its meter in reasonable time"
                    : "its rate is too low for a test of reasonable length");
        return false;
    }
    if (load->kind == LOAD_LATENCY && load->packets < LATENCY_PACKETS_MIN)
        tell(findings, c, "few-packets",
             "its rate allows only a few test packets: the 99th "
             "percentile of the latency is the largest of them");
    return true;
}

bool
load_make(const struct circuit *c, enum load_kind kind, const struct load_limits *limits,
          struct load *load, struct findings *findings)
{
    static const uint32_t least[LOAD_MAX] = {
        [LOAD_LATENCY] = LATENCY_INTERVAL_MIN_US, [LOAD_WATCH] = WATCH_INTERVAL_MIN_US};
    uint32_t most = MIN(circuit_burst_octets(c), TEST_FRAME_MAX);
    uint32_t size = MIN(MAX(circuit_typical_size(c), TEST_FRAME_MIN), most);
    uint32_t sender_us = 1000000 / or_default(limits->packets_per_second, LOAD_PACKETS_PER_SECOND);
    nsec_t duration = limits->duration ? limits->duration : DURATION;
    if (size < TEST_FRAME_MIN) {
        tell(findings, c, "not-tested", "the burst of its meter is smaller than a test packet");
        return false;
    }
    if (kind == LOAD_COMMITTED || kind == LOAD_EXCESS)
        size = raise_size(c, lower_size(c, size, shares[kind]), shares[kind], sender_us, most);
    uint64_t paced = interval_us(c, size, shares[kind]);
    uint64_t interval = MAX(paced, MAX(least[kind], MAX(sender_us, 1)));
    if (kind == LOAD_EXCESS && interval > paced) {
        tell(findings, c, "not-tested", "its rate is too high to be exceeded by a node's tests");
        return false;
    }
    if (kind == LOAD_COMMITTED && interval > paced)
        tell(findings, c, "rate-limited",
             "its rate is higher than a node's tests: tested with as much as they can");
    *load = (struct load){kind, 0, (uint32_t)MIN(interval, UINT32_MAX), size};
    return bound_packets(c, load, packets_wanted(c, kind, limits, interval), duration, findings);
}

nsec_t
load_duration(const struct load *load)
{
    return (nsec_t)(load->packets - 1) * load->interval_us * NSEC_PER_USEC;
}

uint32_t
load_kbps(const struct load *load)
{
    return (uint32_t)MIN((uint64_t)load->size * 8000 / load->interval_us, UINT32_MAX);
}

uint32_t
load_packet_rate(const struct load *load)
{
    return (1000000 + load->interval_us - 1) / load->interval_us;
}

uint64_t
load_passes_octets(const struct circuit *c, const struct load *load)
{
    /* kbit/s times microseconds are 1/1000 bits. */
    uint64_t duration_us = (uint64_t)(load_duration(load) / NSEC_PER_USEC);
    return circuit_burst_octets(c) + (uint64_t)c->rate_kbps * duration_us / 8000;
}
