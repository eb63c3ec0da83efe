/* A list of bad addresses and names, which somebody else wrote. */
#include "detect/feed.h"

#include "fuzz.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed *f = feed_new();
    struct diag diag = {""};
    char *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, data, size);
    if (feed_add(f, copy, size, "f", &diag))
        check(diag.text[0]);
    feed_has_name(f, copy, size);
    if (size >= 16) {
        feed_has_address(f, data, 4);
        feed_has_address(f, data, 6);
    }
    free(copy);
    feed_free(f);
    return 0;
}
