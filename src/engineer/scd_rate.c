#include "engineer/scd_rate.h"

#include <stdlib.h>
#include <string.h>

#define HEADER 26 /* octets: Ethernet 14, VLAN tag 4, APPID, length and two reserved fields 8 */
#define FRAME_MIN 64
#define FRAME_MAX 1522
#define MIN_TIME_MS 4.0
#define FREQUENCY_HZ 60.0
#define SAMPLES_PER_PERIOD 80
#define SAMPLES_MAX 1000000 /* per second or per period; more is a mistake */
#define ASDU_MAX 64
#define VALUES_UNKNOWN 100 /* octets */

/* A decimal number within limits; false: `*value` stays as it is. */
static bool
parse_number(const char *text, double min, double max, double *value)
{
    char *end;
    size_t length = text ? strlen(text) : 0;
    if (length == 0 || length > 20 || strspn(text, "0123456789.") != length)
        return false;
    double number = strtod(text, &end);
    if (*end != '\0' || number < min || number > max)
        return false;
    *value = number;
    return true;
}

static uint32_t
length_of(const char *text)
{
    return text ? (uint32_t)strlen(text) : 0;
}

/* "IEDNameLDInst/LLN0$GO$name" and the like, with tag and length. */
static uint32_t
reference_octets(const struct scd_control *control, const char *name)
{
    static const char between[] = "/LLN0$GO$";
    return 2 + length_of(control->ied) + length_of(control->ld_inst) + length_of(between) +
           length_of(name);
}

static uint32_t
bounded(double octets)
{
    return octets < FRAME_MIN ? FRAME_MIN : octets > FRAME_MAX ? FRAME_MAX : (uint32_t)octets;
}

/* IEC 61850-8-1 annex A, in the order of the fields. */
static uint32_t
goose_frame(const struct scd_control *control, const struct scd_data_set *set)
{
    /* timeAllowedtoLive, t, stNum, sqNum, simulation, confRev, ndsCom, numDatSetEntries, and tag
     * and length of allData, each with tag and length at its longest */
    uint32_t fixed = 6 + 10 + 7 + 7 + 3 + 7 + 3 + 4 + 4;
    uint32_t references = reference_octets(control, control->name) +
                          reference_octets(control, control->data_set) + 2 + length_of(control->id);
    uint32_t values = set ? set->goose_octets : VALUES_UNKNOWN;
    return bounded((double)HEADER + 4 + references + fixed + values);
}

static uint32_t
sv_frame(const struct scd_control *control, const struct scd_data_set *set, double n_asdu)
{
    uint32_t values = set ? set->sv_octets : VALUES_UNKNOWN;
    double asdu = 20.0 + length_of(control->id) + control->option_octets + values;
    return bounded(HEADER + 11 + n_asdu * asdu);
}

static double
samples_per_second(const struct scd *scd, const struct scd_control *control, double rate)
{
    double frequency = FREQUENCY_HZ;
    if (control->smp_mod && !strcmp(control->smp_mod, "SmpPerSec"))
        return rate;
    if (control->smp_mod && !strcmp(control->smp_mod, "SecPerSmp"))
        return 1;
    parse_number(scd->frequency, 1, 400, &frequency);
    return rate * frequency;
}

static uint32_t
round_up(double value, double step)
{
    double steps = value / step;
    double whole = (double)(uint64_t)steps;
    return (uint32_t)((whole < steps ? whole + 1 : whole) * step);
}

struct scd_rate
scd_rate(const struct scd *scd, const struct scd_control *control,
         const struct scd_address *address, const struct scd_data_set *set)
{
    struct scd_rate result = {0};
    if (control->service == SCD_GOOSE) {
        double min_time = MIN_TIME_MS;
        const char *text = address ? address->min_time : NULL;
        result.time_malformed = text && !parse_number(text, 0.1, 60000, &min_time);
        result.frame_octets = goose_frame(control, set);
        result.rate_kbps = round_up(result.frame_octets * 8 / min_time, 1);
        result.burst_octets = round_up(result.frame_octets * 4, 100);
        return result;
    }
    double rate = SAMPLES_PER_PERIOD, n_asdu = 1;
    bool rate_known = parse_number(control->smp_rate, 1, SAMPLES_MAX, &rate);
    bool asdu_known = !control->nof_asdu || parse_number(control->nof_asdu, 1, ASDU_MAX, &n_asdu);
    result.samples_malformed = !rate_known || !asdu_known;
    result.frame_octets = sv_frame(control, set, n_asdu);
    double frames = samples_per_second(scd, control, rate) / n_asdu;
    double kbps = result.frame_octets * 8.0 * frames * 1.05 / 1000;
    result.rate_kbps = kbps < 4e9 ? round_up(kbps, 1) : UINT32_MAX;
    result.burst_octets = round_up(result.frame_octets * 8, 100);
    return result;
}
