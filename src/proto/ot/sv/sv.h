/* sv.h - Sampled Values of IEC 61850-9-2 (clause 8.5): codec, and the data set of the
 * implementation guideline "9-2LE".
 *
 * A frame here is what follows the Ethertype 0x88ba: APPID, length, two reserved words, then the
 * savPdu in BER. Nothing is allocated: four thousand of these arrive a second. */
#ifndef PROTO_OT_SV_SV_H
#define PROTO_OT_SV_SV_H

#include "base/ber.h"
#include "base/iec61850.h"

/* smpSynch: who the merging unit's clock follows; 5 to 254 name a local area clock. */
enum { SV_SYNCH_NONE = 0, SV_SYNCH_LOCAL = 1, SV_SYNCH_GLOBAL = 2 };

#define SV_GM_IDENTITY_SIZE 8

struct sv_asdu {
    struct ber_text sv_id;
    struct ber_text dat_set; /* data NULL: absent */
    uint16_t smp_cnt;
    uint32_t conf_rev;
    uint8_t smp_synch;
    bool has_refr_tm, has_smp_rate, has_smp_mod;
    struct iec61850_time refr_tm;
    uint16_t smp_rate; /* samples per period, or per second, or seconds per sample: smp_mod says */
    uint16_t smp_mod;
    const uint8_t *gm_identity; /* SV_GM_IDENTITY_SIZE octets (IEC 61869-9), or NULL */
    const uint8_t *sample;      /* the data set's values, as they stand on the wire */
    size_t sample_size;
};

/* 9-2LE sends 1 or 8 in a frame, IEC 61869-9 up to 6. */
#define SV_MAX_ASDUS 16

struct sv_pdu {
    struct iec61850_header header; /* `length` is filled in by the encoder */
    bool has_security;             /* a field [1]; it is not looked into, and not written */
    unsigned n_asdus;
    struct sv_asdu asdus[SV_MAX_ASDUS];
};

/* Texts and octets of `*pdu` point into the frame. On error the cursor says which field and where;
 * `*pdu` is as it was. ERR_LIMIT: more than SV_MAX_ASDUS. ERR_INVALID: noASDU is not their number,
 * or is zero. */
MUST_CHECK enum err sv_decode(struct cursor *frame, struct sv_pdu *);

/* Appends a frame. ERR_LIMIT: the buffer's limit. */
MUST_CHECK enum err sv_encode(struct buf *, const struct sv_pdu *);

/* PhsMeas1 of 9-2LE: four currents, four voltages (phases A, B, C, neutral), each with a quality.
 */
#define SV_LE_CHANNELS 8
#define SV_LE_SAMPLE_SIZE (SV_LE_CHANNELS * 8)

struct sv_le_sample {
    int32_t value[SV_LE_CHANNELS]; /* currents in mA, voltages in units of 10 mV */
    uint32_t quality[SV_LE_CHANNELS];
};

/* Of the quality word (IEC 61850-8-1 clause 8.2, bit 0 of the word is the validity's low bit). */
#define SV_QUALITY_VALIDITY 0x00000003u /* 0 good, 1 invalid, 3 questionable */
#define SV_QUALITY_TEST 0x00000800u
#define SV_QUALITY_DERIVED 0x00002000u /* calculated, not measured: the neutral, usually */

/* ERR_MALFORMED: the ASDU's sample has not SV_LE_SAMPLE_SIZE octets. */
MUST_CHECK enum err sv_le_decode(const struct sv_asdu *, struct sv_le_sample *);
/* Writes SV_LE_SAMPLE_SIZE octets. */
void sv_le_encode(uint8_t *sample, const struct sv_le_sample *);

#endif
