#include "assure/service_private.h"

void
assure_serve_status(void *arg, struct bus *bus, const struct bus_message *m)
{
    const struct assure_service *s = arg;
    bus_reply(bus, m->reply_to, json_pack("{so}", "tests", assure_tests_report(s)));
}
