/* What arrives over a broker. The input's first line is the subject, its second the reply_to, the
 * rest is the payload. What is accepted can be sent again, and arrives as the same. */
#include "fuzz.h"

#include "base/alloc.h"
#include "bus/nats_wire.h"
#include "bus/subject.h"

#include <string.h>

static void
take_and_put(const char *data, size_t size, bool is_answer)
{
    struct bus_letter letter = {.subject = "untouched"}, again = {0};
    json_t *owner, *owner_again;
    struct diag diag = {""};
    if (nats_wire_take(data, size, is_answer, &letter, &owner, &diag)) {
        check(diag.text[0] && !letter.payload && !letter.text);
        return;
    }
    check(letter.payload ? letter.err == ERR_OK : is_answer && letter.err != ERR_OK);
    check(!strcmp(letter.subject, "untouched"));
    struct buf text = BUF_INIT;
    check(nats_wire_put(&text, &letter, is_answer) == ERR_OK);
    check(nats_wire_take((char *)text.data, text.size, is_answer, &again, &owner_again, &diag) ==
          ERR_OK);
    check(again.err == letter.err && !strcmp(again.text, letter.text));
    check(!again.payload == !letter.payload);
    check(!letter.payload || json_equal(again.payload, letter.payload));
    json_decref(owner);
    json_decref(owner_again);
    buf_fini(&text);
}

static void
take_address(const char *arrived, const char *reply_to)
{
    const char *subject = nats_wire_subject(arrived, "site.north.");
    check(!subject || subject_is_valid(subject));
    if (subject && nats_wire_may_answer(subject, reply_to))
        check(subject_is_valid(reply_to) && subject_is_reserved(reply_to));
}

static char *
take_line(const uint8_t **data, size_t *size)
{
    const uint8_t *end = *size ? memchr(*data, '\n', *size) : NULL;
    size_t length = end ? (size_t)(end - *data) : *size;
    char *line = xstrndup((const char *)*data, length);
    *data += length + (end != NULL);
    *size -= length + (end != NULL);
    return line;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *subject = take_line(&data, &size), *reply_to = take_line(&data, &size);
    char *exact = xmalloc(size ? size : 1);
    if (size)
        memcpy(exact, data, size);
    take_address(subject, reply_to);
    take_and_put(exact, size, false);
    take_and_put(exact, size, true);
    free(exact);
    free(reply_to);
    free(subject);
    return 0;
}
