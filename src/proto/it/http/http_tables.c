#include "dissect/executable.h"
#include "proto/it/http/http_private.h"

static const struct field_info fields[] = {
    [HTTP_METHOD] = {"method", FIELD_TEXT, NULL, "what is to be done"},
    [HTTP_TARGET] = {"target", FIELD_TEXT, NULL, "with what, as it was written"},
    [HTTP_VERSION] = {"version", FIELD_UINT, NULL, "10 or 11"},
    [HTTP_STATUS] = {"status", FIELD_UINT, NULL, "of a response"},
    [HTTP_REASON] = {"reason", FIELD_TEXT, NULL, "the same in words"},
    [HTTP_HOST] = {"host", FIELD_TEXT, NULL, "whom the client wants"},
    [HTTP_USER_AGENT] = {"user-agent", FIELD_TEXT, NULL, "the client's program"},
    [HTTP_SERVER] = {"server", FIELD_TEXT, NULL, "the server's program"},
    [HTTP_POWERED_BY] = {"powered-by", FIELD_TEXT, NULL, "what the server runs"},
    [HTTP_AUTHENTICATION] = {"authentication", FIELD_TEXT, NULL, "scheme that is wanted or used"},
    [HTTP_REALM] = {"realm", FIELD_TEXT, NULL, "what is guarded"},
    [HTTP_USER] = {"user", FIELD_TEXT, NULL, "who logs in"},
    [HTTP_CONTENT_TYPE] = {"content-type", FIELD_TEXT, NULL, "of the body"},
    [HTTP_CONTENT_LENGTH] = {"content-length", FIELD_UINT, NULL, "octets of the body"},
    [HTTP_CONTENT_ENCODING] = {"content-encoding", FIELD_TEXT, NULL, "how it is compressed"},
    [HTTP_CONTENT_DISPOSITION] = {"content-disposition", FIELD_TEXT, NULL, "name of a file"},
    [HTTP_TRANSFER_ENCODING] = {"transfer-encoding", FIELD_TEXT, NULL, "how the body ends"},
    [HTTP_LOCATION] = {"location", FIELD_TEXT, NULL, "where it is instead"},
    [HTTP_UPGRADE] = {"upgrade", FIELD_TEXT, NULL, "another protocol that is wanted"},
    [HTTP_TITLE] = {"title", FIELD_TEXT, NULL, "of a page"},
    [HTTP_EXECUTABLE] = {"executable", FIELD_UINT, executable_words, "what runs"},
};

static const struct function_info functions[] = {
    {METHOD_OTHER, "other", ACT_OTHER},    {METHOD_GET, "get", ACT_OTHER},
    {METHOD_HEAD, "head", ACT_OTHER},      {METHOD_POST, "post", ACT_OTHER},
    {METHOD_PUT, "put", ACT_OTHER},        {METHOD_DELETE, "delete", ACT_OTHER},
    {METHOD_CONNECT, "connect", ACT_LINK}, {HTTP_BODY, "body", ACT_OTHER},
};

static const uint16_t ports[] = {80, 8080, 8000, 8008, 3128, 5985, 8081, 0};

const struct protocol http = {
    .name = "http",
    .title = "HTTP/1",
    .source = "RFC 9110, RFC 9112",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_TCP,
    .ports = ports,
    .asker_tells = true,
    .state_size = sizeof(struct http_state),
    .message_max = HTTP_HEAD_MAX,
    .frame = http_frame,
    .looks = http_looks,
    .dissect = http_dissect,
    .body = http_body,
};
