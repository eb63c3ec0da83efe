/* Requests as a collector could send them: a head is judged the same however it arrives. */
#include "fuzz.h"

#include "edge/metrics_server.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool head, again;
    int status = metrics_request_status(data, size, &head);
    check(status == 0 || status == 200 || (status >= 400 && status < 500));
    for (size_t part = 0; part < size && part < 256; part++) {
        int early = metrics_request_status(data, part, &again);
        check(early == 0 || early == status || status == 400 || early == 431);
    }
    return 0;
}
