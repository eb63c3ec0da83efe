/* A file of detections. */
#include "detect/rule.h"

#include "fuzz.h"
#include "sensor/protocols.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rules_source source = {.protocols = protocols_all};
    struct rules *rules;
    struct diag diag = {""};
    if (rules_parse(&source, (const char *)data, size, "f", &rules, &diag))
        check(diag.text[0]);
    else
        rules_free(rules);
    return 0;
}
