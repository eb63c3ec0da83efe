/* Configurations (C37.118.2-2011 clause 6.4), and data that is as they say (6.3). */
#include "proto/ot/c37118/c37118_private.h"

#define NAME_SIZE 16u
#define LABELS 16u /* of a digital word */

/* Numbers of channels have 16 bits each: what a frame of 65535 octets cannot hold fails as it is
 * read, before anything is done as often as they say. */

static float
float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- Configurations ---- */

static void
put_u16(struct dissection *d, enum c37118_field field, uint16_t object, uint16_t value,
        const struct cursor *c)
{
    if (!c->err)
        pdu_uint(d, (uint16_t)field, object, value);
}

static void
put_real(struct dissection *d, struct cursor *c, enum c37118_field field, uint16_t object,
         const char *what)
{
    uint32_t bits = cursor_be32(c, what);
    if (!c->err)
        pdu_real(d, (uint16_t)field, object, (double)float_of(bits));
}

/* Of 16 octets filled with blanks, or behind an octet of its length. */
static void
put_name(struct dissection *d, struct cursor *c, enum c37118_field field, uint16_t object,
         bool is_sized)
{
    size_t n = is_sized ? cursor_u8(c, "length of a name") : NAME_SIZE;
    const uint8_t *name = cursor_bytes(c, n, "name");
    while (name && n && (name[n - 1] == ' ' || name[n - 1] == 0))
        n--;
    pdu_octets(d, (uint16_t)field, object, name, n);
}

static void
put_names(struct dissection *d, struct cursor *c, uint16_t object, const struct c37118_pmu *p,
          bool is_sized)
{
    uint32_t n = (uint32_t)p->n_phasors + p->n_analogs;
    for (uint32_t i = 0; i < n && !c->err; i++)
        put_name(d, c, C37118_CHANNEL, object, is_sized);
    for (uint32_t i = 0; i < LABELS * p->n_digitals && !c->err; i++)
        put_name(d, c, C37118_LABEL, object, is_sized);
}

static void
note_scale(struct c37118_config *config, double scale)
{
    if (!config)
        return;
    if (config->n_scales < C37118_SCALES)
        config->scales[config->n_scales++] = (float)scale;
    else
        config->has_scales = false;
}

/* PHUNIT: 10^-5 V or A a bit; ANUNIT: what a bit is, is the user's. */
static void
put_units(struct dissection *d, struct cursor *c, uint16_t object, const struct c37118_pmu *p,
          struct c37118_config *config)
{
    for (uint32_t i = 0; i < p->n_phasors && !c->err; i++) {
        uint32_t unit = cursor_be32(c, "PHUNIT");
        if (!c->err)
            pdu_uint(d, C37118_PHASOR_UNIT, object, unit);
        note_scale(config, (unit & 0xffffff) * 1e-5);
    }
    for (uint32_t i = 0; i < p->n_analogs && !c->err; i++) {
        uint32_t unit = cursor_be32(c, "ANUNIT");
        if (!c->err)
            pdu_uint(d, C37118_ANALOG_UNIT, object, unit);
        note_scale(config, 1);
    }
}

/* Of a configuration 3: flags, factor, angle; factor, offset. */
static void
put_scales(struct cursor *c, const struct c37118_pmu *p, struct c37118_config *config)
{
    for (uint32_t i = 0; i < p->n_phasors && !c->err; i++) {
        cursor_skip(c, 4, "phasor's flags");
        note_scale(config, (double)float_of(cursor_be32(c, "phasor's factor")));
        cursor_skip(c, 4, "phasor's angle");
    }
    for (uint32_t i = 0; i < p->n_analogs && !c->err; i++) {
        note_scale(config, (double)float_of(cursor_be32(c, "analog's factor")));
        cursor_skip(c, 4, "analog's offset");
    }
}

static void
put_place(struct dissection *d, struct cursor *c, uint16_t object)
{
    put_real(d, c, C37118_LATITUDE, object, "PMU_LAT");
    put_real(d, c, C37118_LONGITUDE, object, "PMU_LON");
    put_real(d, c, C37118_ELEVATION, object, "PMU_ELEV");
    pdu_octets(d, C37118_SERVICE_CLASS, object, cursor_bytes(c, 1, "SVC_CLASS"), 1);
    uint32_t window = cursor_be32(c, "WINDOW"), delay = cursor_be32(c, "GRP_DLY");
    if (c->err)
        return;
    pdu_int(d, C37118_WINDOW, object, (int32_t)window);
    pdu_int(d, C37118_GROUP_DELAY, object, (int32_t)delay);
}

static void
put_pmu(struct dissection *d, struct cursor *c, enum c37118_type type, struct c37118_config *config)
{
    bool is_third = type == TYPE_CONFIG_3;
    uint16_t object = (uint16_t)++d->pdu->n_objects;
    struct c37118_pmu p = {.scales = config ? config->n_scales : 0};
    put_name(d, c, C37118_STATION, object, is_third);
    p.id = cursor_be16(c, "PMU's IDCODE");
    put_u16(d, C37118_PMU, object, p.id, c);
    if (is_third)
        pdu_octets(d, C37118_GLOBAL_ID, object, cursor_bytes(c, 16, "G_PMU_ID"), 16);
    p.format = cursor_be16(c, "FORMAT");
    p.n_phasors = cursor_be16(c, "PHNMR");
    p.n_analogs = cursor_be16(c, "ANNMR");
    p.n_digitals = cursor_be16(c, "DGNMR");
    put_u16(d, C37118_FORMAT, object, p.format, c);
    put_u16(d, C37118_PHASORS, object, p.n_phasors, c);
    put_u16(d, C37118_ANALOGS, object, p.n_analogs, c);
    put_u16(d, C37118_DIGITALS, object, p.n_digitals, c);
    put_names(d, c, object, &p, is_third);
    if (is_third)
        put_scales(c, &p, config);
    else
        put_units(d, c, object, &p, config);
    cursor_skip(c, 4u * p.n_digitals, "DIGUNIT");
    if (is_third)
        put_place(d, c, object);
    uint16_t nominal = cursor_be16(c, "FNOM"), changes = cursor_be16(c, "CFGCNT");
    p.nominal = nominal & 1 ? 50 : 60;
    put_u16(d, C37118_NOMINAL, object, p.nominal, c);
    put_u16(d, C37118_CHANGES, object, changes, c);
    if (config && config->n_pmus < C37118_PMU_MAX)
        config->pmus[config->n_pmus] = p;
    if (config)
        config->n_pmus++;
}

void
c37118_config(struct dissection *d, struct cursor *c, enum c37118_type type,
              struct c37118_config *config)
{
    if (config) {
        config->is_there = false;
        config->has_scales = true;
        config->n_pmus = config->n_scales = 0;
    }
    uint16_t continuation = type == TYPE_CONFIG_3 ? cursor_be16(c, "CONT_IDX") : 0;
    if (continuation) { /* a part of one: only all of them together say where a PMU begins */
        put_u16(d, C37118_CONTINUATION, 0, continuation, c);
        return;
    }
    uint32_t base = cursor_be32(c, "TIME_BASE") & 0xffffff;
    uint16_t n = cursor_be16(c, "NUM_PMU");
    if (c->err)
        return;
    pdu_uint(d, C37118_TIME_BASE, 0, base);
    pdu_uint(d, C37118_PMUS, 0, n);
    size_t left = cursor_left(c);
    if (left >= 2) /* it stands at the end, but is the message's own */
        pdu_int(d, C37118_DATA_RATE, 0, (int16_t)get_be16(c->end - 2));
    for (unsigned i = 0; i < n && !c->err; i++)
        put_pmu(d, c, type, config);
    cursor_skip(c, 2, "DATA_RATE");
    if (config && !c->err && n <= C37118_PMU_MAX) {
        config->time_base = base;
        config->is_there = true;
    }
}

/* ---- Data ---- */

static double
scale_of(const struct c37118_config *config, uint32_t i)
{
    return config->has_scales && i < config->n_scales ? (double)config->scales[i] : 1;
}

static void
put_phasor(struct dissection *d, struct cursor *c, uint16_t object, uint16_t format, double scale)
{
    bool is_polar = format & FORMAT_POLAR;
    double first, second;
    if (format & FORMAT_REAL_PHASORS) {
        first = (double)float_of(cursor_be32(c, "phasor"));
        second = (double)float_of(cursor_be32(c, "phasor"));
    } else {
        uint16_t a = cursor_be16(c, "phasor"), b = cursor_be16(c, "phasor");
        first = (is_polar ? (double)a : (double)(int16_t)a) * scale;
        second = is_polar ? (int16_t)b * 1e-4 : (int16_t)b * scale;
    }
    if (c->err)
        return;
    pdu_real(d, is_polar ? C37118_MAGNITUDE : C37118_REAL, object, first);
    pdu_real(d, is_polar ? C37118_ANGLE : C37118_IMAGINARY, object, second);
}

/* Integers: mHz beside the nominal frequency, and 0.01 Hz a second. */
static void
put_frequency(struct dissection *d, struct cursor *c, uint16_t object, const struct c37118_pmu *p)
{
    if (p->format & FORMAT_REAL_FREQUENCY) {
        put_real(d, c, C37118_FREQUENCY, object, "FREQ");
        put_real(d, c, C37118_ROCOF, object, "DFREQ");
        return;
    }
    int16_t deviation = (int16_t)cursor_be16(c, "FREQ"), change = (int16_t)cursor_be16(c, "DFREQ");
    if (c->err)
        return;
    pdu_real(d, C37118_FREQUENCY, object, p->nominal + deviation * 1e-3);
    pdu_int(d, C37118_DEVIATION, object, deviation);
    pdu_real(d, C37118_ROCOF, object, change * 1e-2);
}

static void
put_analog(struct dissection *d, struct cursor *c, uint16_t object, uint16_t format, double scale)
{
    if (format & FORMAT_REAL_ANALOGS) {
        put_real(d, c, C37118_ANALOG, object, "analog");
        return;
    }
    int16_t value = (int16_t)cursor_be16(c, "analog");
    if (!c->err)
        pdu_real(d, C37118_ANALOG, object, value * scale);
}

static void
put_block(struct dissection *d, struct cursor *c, const struct c37118_config *config,
          const struct c37118_pmu *p)
{
    uint16_t object = (uint16_t)++d->pdu->n_objects;
    pdu_uint(d, C37118_PMU, object, p->id);
    put_u16(d, C37118_STATUS, object, cursor_be16(c, "STAT"), c);
    for (uint32_t i = 0; i < p->n_phasors && !c->err; i++)
        put_phasor(d, c, object, p->format, scale_of(config, p->scales + i));
    put_frequency(d, c, object, p);
    for (uint32_t i = 0; i < p->n_analogs && !c->err; i++)
        put_analog(d, c, object, p->format, scale_of(config, p->scales + p->n_phasors + i));
    for (uint32_t i = 0; i < p->n_digitals && !c->err; i++)
        put_u16(d, C37118_DIGITAL, object, cursor_be16(c, "digital"), c);
}

void
c37118_data(struct dissection *d, struct cursor *c, const struct c37118_config *config)
{
    for (unsigned i = 0; i < config->n_pmus && !c->err; i++)
        put_block(d, c, config, &config->pmus[i]);
}
