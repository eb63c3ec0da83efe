/* rpc_message.h - one JSON-RPC 2.0 message as text and as a structure. Pure.
 *
 * https://www.jsonrpc.org/specification, narrowed where it leaves room:
 * - an id is a string or an integer (the specification only advises against null and fractions);
 * - members that the specification does not know are refused, so that a misspelt "parms" is an
 *   error and not a call without parameters;
 * - batches (clause 6) are refused: lines follow each other without waiting as it is. */
#ifndef IO_RPC_MESSAGE_H
#define IO_RPC_MESSAGE_H

#include "base/buf.h"

#include <jansson.h>
#include <stdint.h>

enum rpc_kind { RPC_REQUEST, RPC_NOTIFICATION, RPC_RESULT, RPC_ERROR };

/* Clause 5.1. */
enum rpc_code {
    RPC_PARSE_ERROR = -32700,
    RPC_INVALID_REQUEST = -32600,
    RPC_METHOD_NOT_FOUND = -32601,
    RPC_INVALID_PARAMS = -32602,
    RPC_SERVER_ERROR = -32000, /* less the number of the `enum err`: -32001 and on */
};

struct rpc_message {
    enum rpc_kind kind;
    json_t *root;       /* owns all that follows */
    json_t *id;         /* string or integer; NULL: a notification, or an error about no request */
    const char *method; /* of a request or notification */
    json_t *params;     /* array or object; NULL: none */
    json_t *result;     /* of a result; any value */
    json_int_t code;    /* of an error ... */
    const char *text;   /* ... its message ... */
    enum err err;       /* ... and what that is here: never ERR_OK */
};

/* Parses one line without its end. ERR_MALFORMED: no JSON; ERR_INVALID: no JSON-RPC 2.0;
 * ERR_LIMIT: as jsontext_parse(). */
MUST_CHECK enum err rpc_message_parse(const char *line, size_t size, struct rpc_message *,
                                      struct diag *);
void rpc_message_fini(struct rpc_message *);

/* Each adds one line with its line feed. `id` may be NULL: a notification, or an error about no
 * request. ERR_LIMIT: it would exceed the buffer's limit, which is then as it was. The JSON values
 * are only read. */
MUST_CHECK enum err rpc_put_request(struct buf *, const json_t *id, const char *method,
                                    const json_t *params);
MUST_CHECK enum err rpc_put_result(struct buf *, const json_t *id, const json_t *result);
MUST_CHECK enum err rpc_put_error(struct buf *, const json_t *id, enum rpc_code, enum err,
                                  const char *text);

/* The code for an error of ours: the specification's where it has one. */
enum rpc_code rpc_code(enum err);

#endif
