#include "sensor/vulnerabilities.h"

#include "sensor/message_json.h"

#include <string.h>

struct advisory_device
vulnerabilities_device(const struct asset *a)
{
    return (struct advisory_device){.vendor = a->values[ATTRIBUTE_VENDOR].text,
                                    .model = a->values[ATTRIBUTE_MODEL].text,
                                    .order_code = a->values[ATTRIBUTE_ORDER_CODE].text,
                                    .firmware = a->values[ATTRIBUTE_FIRMWARE].text,
                                    .vendor_confidence = a->values[ATTRIBUTE_VENDOR].confidence};
}

static void
put(struct buf *b, const char *name, const char *text)
{
    if (!text)
        return;
    buf_printf(b, "\"%s\":", name);
    text_json_put(b, text, strlen(text));
    buf_u8(b, ',');
}

void
vulnerability_put_json(struct buf *b, const struct asset *asset, const struct advisory_match *m)
{
    buf_str(b, "{\"vulnerability\":{");
    put(b, "advisory", m->advisory);
    put(b, "publisher", m->publisher);
    put(b, "title", m->title);
    put(b, "cve", m->cve);
    put(b, "name", m->name);
    if (m->score >= 0)
        buf_printf(b, "\"score\":%.1f,", m->score);
    put(b, "severity", m->severity);
    put(b, "status", advisory_status_word(m->status));
    put(b, "product", m->product);
    put(b, "reason", m->reason);
    put(b, "remedy", m->remedy);
    put(b, "url", m->url);
    buf_printf(b, "\"confidence\":%u},", m->confidence);
    asset_address_put(b, &asset->address);
    buf_str(b, "}\n");
}
