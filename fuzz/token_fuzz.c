/* Tokens and key sets as a stranger, or a provider that lies, could send them. Up to the first line
 * feed it is a key set, or nothing for the set below; behind it, a token. Without the private key
 * nothing that comes may be taken. */
#include "oidc/token.h"

#include "fuzz.h"
#include "io/jsontext.h"

#include <string.h>

/* The public key of RFC 7515 appendix A.3. */
static const char known[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\","
                            "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                            "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static struct token_keys *
read_keys(const char *text, size_t size)
{
    struct token_keys *keys = NULL;
    json_t *set;
    if (jsontext_parse(text, size, &set, NULL))
        return NULL;
    if (token_keys_read(set, &keys, NULL))
        keys = NULL;
    json_decref(set);
    return keys;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *feed = memchr(data, '\n', size);
    size_t first = feed ? (size_t)(feed - data) : 0;
    const char *token = (const char *)data + (feed ? first + 1 : 0);
    size_t token_size = size - (feed ? first + 1 : 0);
    struct token_keys *keys = first ? read_keys((const char *)data, first)
                                    : read_keys(known, sizeof known - 1);
    struct token_wanted wanted = {
        .issuer = "https://idp", .client = "tieline", .api = "api", .now = 1};
    struct diag diag = {""};
    json_t *claims = NULL;
    if (!keys)
        return 0;
    enum err err = token_check(token, token_size, keys, &wanted, &claims, &diag);
    check(err ? claims == NULL && diag.text[0] : claims != NULL);
    check(err || first); /* who brings a key of their own can sign */
    json_decref(claims);
    token_keys_free(keys);
    return 0;
}
