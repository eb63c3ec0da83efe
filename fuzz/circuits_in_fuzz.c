/* What tielined tells a sensor: pieces, a line each, of which the circuits are put together. */
#include "fuzz.h"

#include "io/jsontext.h"
#include "io/lines.h"
#include "sensor/circuits_in.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct circuits_in in = {0};
    struct lines lines = lines_limited(65536);
    const char *line;
    size_t length;
    lines_put(&lines, data, size);
    while ((line = lines_next(&lines, &length))) {
        json_t *piece, *whole;
        struct diag diag;
        if (jsontext_parse(line, length, &piece, &diag))
            continue;
        enum err err = circuits_in_take(&in, piece, &whole, &diag);
        check(!err || !whole);
        check(!whole || json_is_array(json_object_get(whole, "own")));
        check(!in.all || in.part < in.parts);
        json_decref(whole);
        json_decref(piece);
    }
    circuits_in_forget(&in);
    lines_fini(&lines);
    return 0;
}
