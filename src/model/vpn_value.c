#include "model/vpn_value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
has_only(const char *text, const char *others)
{
    if (!isalnum((unsigned char)*text))
        return false;
    for (; *text; text++) {
        if (!isalnum((unsigned char)*text) && !strchr(others, *text))
            return false;
    }
    return true;
}

static bool
is_plain(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    }
    return true;
}

static bool
is_address(int family, const char *text)
{
    uint8_t octets[16];
    return inet_pton(family, text, octets) == 1;
}

/* Routers show addresses in one form only (RFC 5952), and so must plans, or they seem to drift. */
static const char *
canonical_address(struct arena *arena, const char *text)
{
    uint8_t octets[16];
    char canonical[INET6_ADDRSTRLEN];
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    inet_pton(family, text, octets);
    return arena_strdup(arena, inet_ntop(family, octets, canonical, sizeof canonical));
}

/* The same, with the bits behind the length zero (RFC 6991, ip-prefix). */
static const char *
canonical_prefix(struct arena *arena, const char *text)
{
    uint8_t octets[16] = {0};
    char address[INET6_ADDRSTRLEN], canonical[INET6_ADDRSTRLEN + 4];
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    unsigned length = (unsigned)strtoul(strchr(text, '/') + 1, NULL, 10);
    snprintf(address, sizeof address, "%.*s", (int)strcspn(text, "/"), text);
    inet_pton(family, address, octets);
    for (unsigned bit = length; bit < 128; bit++)
        octets[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
    snprintf(canonical, sizeof canonical, "%s/%u",
             inet_ntop(family, octets, address, sizeof address), length);
    return arena_strdup(arena, canonical);
}

static bool
is_prefix(int family, const char *text)
{
    char address[INET6_ADDRSTRLEN];
    unsigned length = 0;
    int end = 0;
    size_t n = strcspn(text, "/");
    if (n >= sizeof address || sscanf(text + n, "/%3u%n", &length, &end) != 1 || text[n + end])
        return false;
    memcpy(address, text, n);
    address[n] = '\0';
    return isdigit((unsigned char)text[n + 1]) && length <= (family == AF_INET ? 32u : 128u) &&
           is_address(family, address);
}

/* ADMINISTRATOR:NUMBER, the first a number or an IPv4 address; RFC 8294 has the type before it. */
static const char *
target_of(const char *text)
{
    char address[INET_ADDRSTRLEN];
    unsigned long long number, assigned;
    int end = 0;
    if (strspn(text, "012") == 1 && text[1] == ':' && strchr(text + 2, ':'))
        text += 2;
    size_t n = strcspn(text, ":");
    if (n == 0 || n >= sizeof address || !isdigit((unsigned char)text[n + (text[n] == ':')]))
        return NULL;
    memcpy(address, text, n);
    address[n] = '\0';
    if (sscanf(text + n, ":%10llu%n", &assigned, &end) != 1 || text[n + end])
        return NULL;
    if ((text[n + 1] == '0' && text[n + 2]) || (address[0] == '0' && address[1]))
        return NULL; /* routers would show another number */
    if (is_address(AF_INET, address))
        return assigned <= UINT16_MAX ? text : NULL;
    if (strspn(address, "0123456789") != n || n > 10)
        return NULL;
    sscanf(address, "%10llu", &number);
    bool fits = number <= UINT16_MAX ? assigned <= UINT32_MAX
                                     : number <= UINT32_MAX && assigned <= UINT16_MAX;
    return fits ? text : NULL;
}

static const struct {
    size_t max; /* octets */
    const char *what;
} text_rules[] = {
    [VALUE_NAME] = {63,
                    "not a name of at most 63 letters, digits, '.', '_', and single '-' within"},
    [VALUE_INTERFACE] = {63, "not a name of an interface"},
    [VALUE_TEXT] = {200, "longer than 200 octets, or with control characters"},
    [VALUE_IPV4] = {15, "not an IPv4 address"},
    [VALUE_IPV6] = {45, "not an IPv6 address"},
    [VALUE_ADDRESS] = {45, "not an address"},
    [VALUE_PREFIX4] = {18, "not an IPv4 prefix"},
    [VALUE_PREFIX6] = {49, "not an IPv6 prefix"},
    [VALUE_TARGET] = {30, "not of the form 65000:100 or 192.0.2.1:100"},
};

const char *
vpn_value_accept(enum vpn_value how, const char *text)
{
    bool good = false;
    if (strlen(text) > text_rules[how].max)
        return NULL;
    switch (how) {
    case VALUE_NAME:
        good = has_only(text, "._-") && !strstr(text, "--") && text[strlen(text) - 1] != '-';
        break;
    case VALUE_INTERFACE:
        good = has_only(text, "._-/:");
        break;
    case VALUE_TEXT:
        good = is_plain(text);
        break;
    case VALUE_IPV4:
    case VALUE_IPV6:
        good = is_address(how == VALUE_IPV4 ? AF_INET : AF_INET6, text);
        break;
    case VALUE_ADDRESS:
        good = is_address(AF_INET, text) || is_address(AF_INET6, text);
        break;
    case VALUE_PREFIX4:
    case VALUE_PREFIX6:
        good = is_prefix(how == VALUE_PREFIX4 ? AF_INET : AF_INET6, text);
        break;
    default:
        return target_of(text);
    }
    return good ? text : NULL;
}

const char *
vpn_value_rule(enum vpn_value how)
{
    return text_rules[how].what;
}

const char *
vpn_value_copy(struct arena *arena, enum vpn_value how, const char *text)
{
    if (how == VALUE_IPV4 || how == VALUE_IPV6 || how == VALUE_ADDRESS)
        return canonical_address(arena, text);
    if (how == VALUE_PREFIX4 || how == VALUE_PREFIX6)
        return canonical_prefix(arena, text);
    return arena_strdup(arena, text);
}
