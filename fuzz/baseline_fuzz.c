/* A file of what is usual, which may be damaged or forged. */
#include "detect/detector.h"

#include "fuzz.h"
#include "sensor/protocols.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "detections:\n  - name: a\n    title: T\n    explanation: E\n"
                               "    playbook: [x]\n    new: [source]\n";
    const struct rules_source source = {.protocols = protocols_all};
    struct rules *rules;
    struct diag diag;
    check(!rules_parse(&source, text, sizeof text - 1, "f", &rules, &diag));
    const struct detector_config config = {
        .rules = rules, .protocols = protocols_all, .learn = 1, .conversations = 16};
    struct detector *d = detector_new(&config);
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, data, size);
    if (!detector_restore(d, copy, size, &diag)) { /* what was taken is given again, and taken */
        struct buf saved = BUF_INIT;
        detector_save(d, &saved);
        check(!detector_restore(d, saved.data, saved.size, &diag));
        buf_fini(&saved);
    }
    free(copy);
    detector_free(d);
    rules_free(rules);
    return 0;
}
