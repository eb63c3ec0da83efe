/* "0" and a range, a line feed and a version; anything else and an advisory behind it. What is read
 * can be held against devices, and each match has its reason. */
#include "advisory/advisory.h"
#include "advisory/vendor.h"
#include "advisory/version.h"
#include "fuzz.h"

#include <string.h>

static void
on_match(void *arg, const struct advisory_match *m)
{
    (void)arg;
    check(m->advisory && m->product && m->reason && *m->reason && m->confidence >= 1 &&
          m->confidence <= 100 && advisory_status_word(m->status));
}

static void
read_range(const char *text)
{
    char name[VENDOR_MAX];
    const char *feed = strchr(text, '\n'), *version = feed ? feed + 1 : "1.0";
    char *range_text = strndup(text, feed ? (size_t)(feed - text) : strlen(text));
    struct arena *arena = arena_new((size_t)1 << 20);
    struct version_range range;
    const struct version_interval *why;
    struct buf b = BUF_INIT;
    check(version_range_read(arena, range_text, &range) == ERR_OK);
    if (version_range_has(&range, version, &why))
        version_interval_explain(&b, why);
    int order = version_compare(range_text, version), back = version_compare(version, range_text);
    check((order < 0) == (back > 0) && (order > 0) == (back < 0));
    check(version_compare(version, version) == 0);
    check(strlen(vendor_name(text, name)) < VENDOR_MAX);
    buf_fini(&b);
    arena_free(arena);
    free(range_text);
}

static void
read_advisory(const char *text, size_t size)
{
    static const struct advisory_device devices[] = {
        {"Siemens", "CPU 315-2 PN/DP", "6ES7 315-2EH14-0AB0", "V3.2.6", 95},
        {"SEL", "SEL-751", NULL, "SEL-751-R113-V0-Z1-D2", 95},
        {NULL, "MGate MB3180", NULL, NULL, 0},
    };
    struct advisories *all = advisories_new();
    struct diag diag = {""};
    if (advisories_read(all, "fuzz", text, size, &diag))
        check(*diag.text && advisories_number(all) == 0);
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        advisories_match(all, &devices[i], on_match, NULL);
    advisories_free(all);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    char *text = malloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (*data == '0')
        read_range(text);
    else
        read_advisory(text, size - 1);
    free(text);
    return 0;
}
