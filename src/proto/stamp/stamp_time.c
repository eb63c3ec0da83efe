#include "proto/stamp/stamp_time.h"

#define NTP_EPOCH UINT32_C(2208988800) /* 1970 in seconds since 1900 */

#define ERROR_SYNCHRONIZED 0x8000u
#define ERROR_PTP 0x4000u
#define ERROR_MAX_SCALE 63

/* Rounds down, so that the rest is 0 to 999,999,999 also before 1970. */
static int64_t
whole_seconds(nsec_t time)
{
    return time / NSEC_PER_SEC - (time % NSEC_PER_SEC < 0);
}

uint64_t
stamp_time_pack(nsec_t time, enum stamp_format format)
{
    int64_t seconds = whole_seconds(time);
    uint64_t nsec = (uint64_t)(time - seconds * NSEC_PER_SEC);
    if (format == STAMP_PTP)
        return (uint64_t)seconds << 32 | nsec;
    uint64_t fraction = ((nsec << 32) + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
    return ((uint64_t)(seconds + NTP_EPOCH) << 32) + fraction;
}

enum err
stamp_time_unpack(uint64_t wire, enum stamp_format format, nsec_t near, nsec_t *time)
{
    uint32_t seconds = (uint32_t)(wire >> 32), low = (uint32_t)wire;
    uint64_t nsec = low;
    if (format == STAMP_NTP) {
        seconds -= NTP_EPOCH;
        nsec = ((uint64_t)low * NSEC_PER_SEC + (UINT64_C(1) << 31)) >> 32;
    } else if (low >= NSEC_PER_SEC) {
        return ERR_MALFORMED;
    }
    int64_t near_seconds = whole_seconds(near);
    int64_t whole = near_seconds + (int32_t)(seconds - (uint32_t)near_seconds);
    nsec_t result;
    if (__builtin_mul_overflow(whole, NSEC_PER_SEC, &result) ||
        __builtin_add_overflow(result, (nsec_t)nsec, &result))
        return ERR_MALFORMED;
    *time = result;
    return ERR_OK;
}

uint16_t
stamp_error_pack(const struct stamp_error_estimate *estimate)
{
    uint16_t flags = (uint16_t)((estimate->synchronized ? ERROR_SYNCHRONIZED : 0) |
                                (estimate->format == STAMP_PTP ? ERROR_PTP : 0));
    unsigned scale = 0;
    __uint128_t units = (__uint128_t)(estimate->error < 0 ? 0 : estimate->error) << 32;
    units = (units + NSEC_PER_SEC - 1) / NSEC_PER_SEC; /* of 2^-32 s */
    for (; units > 0xff && scale < ERROR_MAX_SCALE; scale++)
        units = (units + 1) / 2;
    return (uint16_t)(flags | scale << 8 | (units ? (unsigned)units : 1));
}

struct stamp_error_estimate
stamp_error_unpack(uint16_t wire)
{
    unsigned scale = wire >> 8 & 0x3f;
    __uint128_t units = (__uint128_t)(wire & 0xff) * (uint64_t)NSEC_PER_SEC << scale;
    __uint128_t nsec = (units + UINT32_MAX) >> 32;
    return (struct stamp_error_estimate){
        .synchronized = wire & ERROR_SYNCHRONIZED,
        .format = wire & ERROR_PTP ? STAMP_PTP : STAMP_NTP,
        .error = nsec > (uint64_t)NSEC_NEVER ? NSEC_NEVER : (nsec_t)nsec,
    };
}
