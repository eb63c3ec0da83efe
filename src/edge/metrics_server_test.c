#include "edge/metrics_server.h"

#include "base/testing.h"

static int
status_of(const char *request, bool *head)
{
    size_t size = strlen(request);
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, request, size);
    int status = metrics_request_status(copy, size, head);
    free(copy);
    return status;
}

static void
requests_get_the_status_they_deserve(void **state UNUSED)
{
    static const struct {
        const char *request;
        int status;
        bool head;
    } cases[] = {
        {"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200, false},
        {"GET /metrics HTTP/1.0\r\n\r\n", 200, false},
        {"HEAD /metrics HTTP/1.1\r\n\r\n", 200, true},
        {"GET /metrics?name[]=x HTTP/1.1\r\n\r\n", 200, false},
        {"GET / HTTP/1.1\r\n\r\n", 404, false},
        {"GET /metric HTTP/1.1\r\n\r\n", 404, false},
        {"GET /metrics/ HTTP/1.1\r\n\r\n", 404, false},
        {"GET /x?/metrics HTTP/1.1\r\n\r\n", 404, false},
        {"POST /metrics HTTP/1.1\r\n\r\n", 405, false},
        {"get /metrics HTTP/1.1\r\n\r\n", 405, false},
        {"GET /metrics\r\n\r\n", 400, false},
        {"GET /metrics HTTP/2.0\r\n\r\n", 400, false},
        {"GET /metrics x HTTP/1.1\r\n\r\n", 400, false},
        {" \r\n\r\n", 400, false},
        {"\r\n\r\n", 400, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        bool head;
        int status = status_of(cases[i].request, &head);
        if (status != cases[i].status)
            fail_msg("%s: %d", cases[i].request, status);
        assert_true(head == cases[i].head || status != 200);
    }
}

static void
a_head_is_waited_for_at_every_octet(void **state UNUSED)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    bool head;
    for (size_t size = 0; size < sizeof request - 1; size++) {
        char part[sizeof request];
        memcpy(part, request, size);
        part[size] = 0;
        assert_int_equal(status_of(part, &head), 0);
    }
}

static void
but_not_for_ever(void **state UNUSED)
{
    static uint8_t endless[METRICS_HEAD];
    bool head;
    memset(endless, 'x', sizeof endless);
    assert_int_equal(metrics_request_status(endless, sizeof endless - 1, &head), 0);
    assert_int_equal(metrics_request_status(endless, sizeof endless, &head), 431);
    endless[3] = 0;
    assert_int_equal(metrics_request_status(endless, 4, &head), 400);
}

static void
only_this_machine_is_listened_on(void **state UNUSED)
{
    struct diag diag;
    assert_ok(metrics_address_check("127.0.0.1:9464", &diag));
    assert_ok(metrics_address_check("127.9.9.9:1", &diag));
    assert_ok(metrics_address_check("[::1]:9464", &diag));
    assert_ok(metrics_address_check("unix:/run/x", &diag));
    assert_err(metrics_address_check("0.0.0.0:9464", &diag), ERR_INVALID);
    assert_err(metrics_address_check("10.0.0.1:9464", &diag), ERR_INVALID);
    assert_err(metrics_address_check("[::]:9464", &diag), ERR_INVALID);
    assert_err(metrics_address_check("[::ffff:10.0.0.1]:9464", &diag), ERR_INVALID);
    assert_err(metrics_address_check("9464", &diag), ERR_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_get_the_status_they_deserve),
        cmocka_unit_test(a_head_is_waited_for_at_every_octet),
        cmocka_unit_test(but_not_for_ever),
        cmocka_unit_test(only_this_machine_is_listened_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
