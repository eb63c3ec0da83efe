/* What a witness is asked over the bus, and a file of checkpoints: whatever they are, they are
 * refused or right. The seeds are signed with the keys below; what the fuzzer makes of them is not,
 * so whatever is believed has to be what was signed, word for word. */
#include "journal/checkpoint_log.h"
#include "sync/witness.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SITE "substation-a"

static const char keys[] = "substation-a+89534fc5+AWBGvarAOiqmxjdBwSKK7+lx2Yjl/aQ0hweO4zd9/eLh\n"
                           "centre+ce5699bd+AQ0C6Xvxi9POKw3Zqca687yB1KoDjk9k/VDTN0q5SloP\n";
static const char text[] =
    "tieline-journal/substation-a/44fddbe0d4049e3b8f8a5c384285d8cb\n40\nm2t724ybm4ObAZYaJnncj/"
    "MiiVxgCpZVZNU4XeC8Yoc=\n\n";

static const struct content_trust *
the_trust(void)
{
    static struct content_trust *trust;
    if (!trust && content_trust_parse(keys, sizeof keys - 1, &trust, NULL))
        abort();
    return trust;
}

static void
try_question(const json_t *json)
{
    const char *note;
    struct checkpoint c;
    struct diag diag = {""};
    if (witness_parse(json, SITE, the_trust(), &note, &c, &diag))
        return;
    if (strncmp(note, text, sizeof text - 1) != 0)
        abort();
}

/* The notes lie behind one another, and cover all of it up to what is torn or damaged. */
static void
try_log(const char *log, size_t size)
{
    size_t at = 0, end = 0, note_size;
    const char *note;
    enum checkpoint_log_step step;
    while ((step = checkpoint_log_next(log, size, &at, &note, &note_size)) == CHECKPOINT_LOG_NOTE) {
        struct checkpoint c;
        if (note != log + end || note_size + 1 != at - end || at > size)
            abort();
        end = at;
        if (!checkpoint_parse(note, note_size, &c, NULL) &&
            checkpoint_is_signed(note, note_size, SITE, the_trust()) &&
            strncmp(note, text, sizeof text - 1) != 0)
            abort();
    }
    if (at != end || (step == CHECKPOINT_LOG_END) != (at == size))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_log((const char *)data, size);
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (json)
        try_question(json);
    json_decref(json);
    return 0;
}
