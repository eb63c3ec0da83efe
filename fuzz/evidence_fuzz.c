/* Evidence and checkpoints from a stranger: whatever they are, they are refused or right, and
 * nothing is read beyond them. The seeds are signed with the key below; what the fuzzer makes of
 * them is not, so whatever is believed has to be one of them, word for word. */
#include "journal/evidence.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char public_key[] = "-----BEGIN PUBLIC KEY-----\n"
                                 "MCowBQYDK2VwAyEA70uqfYkZ2arSBZI0GsQ3KuwWTQia7prct8nhCOzHlAg=\n"
                                 "-----END PUBLIC KEY-----\n";

static EVP_PKEY *
the_key(void)
{
    static EVP_PKEY *key;
    if (!key && checkpoint_public_key(public_key, sizeof public_key - 1, &key, NULL))
        abort();
    return key;
}

/* What is signed reads back as what it says. */
static void
try_note(const char *note, size_t size)
{
    struct checkpoint c;
    char origin[CHECKPOINT_ORIGIN_MAX + 2];
    if (checkpoint_open(note, size, "a", the_key(), &c, NULL))
        return;
    snprintf(origin, sizeof origin, "%s\n", c.origin);
    if (memcmp(note, origin, strlen(origin)) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct evidence_finding found;
    struct diag diag = {""};
    try_note((const char *)data, size);
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (json && !evidence_check(json, "a", the_key(), &found, &diag) && found.seq > found.now.size)
        abort();
    json_decref(json);
    return 0;
}
