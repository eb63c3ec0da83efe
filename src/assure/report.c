#include "assure/service_private.h"

void
assure_serve_status(void *arg, struct bus *bus, const struct bus_message *m)
{
    const struct assure_service *s = arg;
    const char *circuit = json_string_value(json_object_get(m->payload, "circuit"));
    json_int_t interval_ms = assure_surveys_interval(s) / NSEC_PER_MSEC;
    bus_reply(bus, m->reply_to,
              json_pack("{sI so so}", "interval-ms", interval_ms, "circuits",
                        assure_surveys_report(s, circuit), "tests", assure_tests_report(s)));
}
