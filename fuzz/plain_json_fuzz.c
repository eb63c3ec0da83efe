/* What the journal recognises as plain JSON is an object to jansson as well, no key twice. */
#include "base/alloc.h"
#include "journal/plain.h"

#include <jansson.h>

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xstrndup((const char *)data, size);
    if (plain_json_object(text)) {
        json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(value))
            abort();
        json_decref(value);
    }
    free(text);
    return 0;
}
