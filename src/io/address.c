#include "io/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIX_PREFIX "unix:"

static enum err
parse_unix(const char *path, struct sockaddr_un *local, struct diag *diag)
{
    size_t length = strlen(path);
    if (path[0] != '/')
        return diag_set(diag, ERR_INVALID, "\"%s\": a Unix socket needs an absolute path", path);
    if (length >= sizeof local->sun_path)
        return diag_set(diag, ERR_INVALID,
                        "\"%.40s...\": a Unix socket's path has %zu octets at most", path,
                        sizeof local->sun_path - 1);
    *local = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(local->sun_path, path, length + 1);
    return ERR_OK;
}

static bool
parse_port(const char *text, in_port_t *port)
{
    unsigned value = 0;
    size_t length = strlen(text);
    if (length == 0 || length > 5 || strspn(text, "0123456789") != length)
        return false;
    for (; *text; text++)
        value = value * 10 + (unsigned)(*text - '0');
    *port = htons((uint16_t)value);
    return value <= UINT16_MAX;
}

static bool
parse_ipv6(char *host, struct sockaddr_in6 *ipv6)
{
    char *zone = strchr(host, '%');
    if (zone) {
        *zone++ = '\0';
        ipv6->sin6_scope_id = if_nametoindex(zone);
        if (ipv6->sin6_scope_id == 0)
            return false;
    }
    ipv6->sin6_family = AF_INET6;
    return inet_pton(AF_INET6, host, &ipv6->sin6_addr) == 1;
}

static bool
parse_host(const char *host, size_t length, union address *address)
{
    char copy[64];
    if (length >= sizeof copy)
        return false;
    memcpy(copy, host, length);
    copy[length] = '\0';
    if (copy[0] == '[' && length > 2 && copy[length - 1] == ']') {
        copy[length - 1] = '\0';
        return parse_ipv6(copy + 1, &address->ipv6);
    }
    address->ipv4.sin_family = AF_INET;
    return inet_pton(AF_INET, copy, &address->ipv4.sin_addr) == 1;
}

enum err
address_parse(const char *text, union address *address, struct diag *diag)
{
    if (!strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)))
        return parse_unix(text + strlen(UNIX_PREFIX), &address->local, diag);
    union address result = {.storage = {0}};
    const char *colon = strrchr(text, ':');
    in_port_t port;
    if (!colon || !parse_port(colon + 1, &port))
        return diag_set(diag, ERR_INVALID,
                        "\"%s\": a port from 0 to 65535 is missing behind a colon", text);
    if (!parse_host(text, (size_t)(colon - text), &result))
        return diag_set(diag, ERR_INVALID,
                        "\"%s\": neither 192.0.2.1:PORT nor [2001:db8::1]:PORT nor unix:/PATH",
                        text);
    if (result.any.sa_family == AF_INET)
        result.ipv4.sin_port = port;
    else
        result.ipv6.sin6_port = port;
    *address = result;
    return ERR_OK;
}

static char *
format_ipv6(const struct sockaddr_in6 *ipv6, char *text)
{
    char host[INET6_ADDRSTRLEN], zone[IF_NAMESIZE + 1] = "";
    const struct in6_addr *a = &ipv6->sin6_addr;
    unsigned port = ntohs(ipv6->sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(a)) {
        inet_ntop(AF_INET, &a->s6_addr[12], host, sizeof host);
        snprintf(text, ADDRESS_TEXT_SIZE, "%s:%u", host, port);
        return text;
    }
    inet_ntop(AF_INET6, a, host, sizeof host);
    if (ipv6->sin6_scope_id) {
        zone[0] = '%';
        if (!if_indextoname(ipv6->sin6_scope_id, zone + 1))
            zone[0] = '\0'; /* the interface has gone */
    }
    snprintf(text, ADDRESS_TEXT_SIZE, "[%s%s]:%u", host, zone, port);
    return text;
}

char *
address_format(const union address *address, char *text)
{
    char host[INET_ADDRSTRLEN];
    switch (address->any.sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &address->ipv4.sin_addr, host, sizeof host);
        snprintf(text, ADDRESS_TEXT_SIZE, "%s:%u", host, ntohs(address->ipv4.sin_port));
        break;
    case AF_INET6:
        return format_ipv6(&address->ipv6, text);
    case AF_UNIX:
        snprintf(text, ADDRESS_TEXT_SIZE, UNIX_PREFIX "%.*s", (int)sizeof address->local.sun_path,
                 address->local.sun_path);
        break;
    default:
        snprintf(text, ADDRESS_TEXT_SIZE, "unknown");
    }
    return text;
}

char *
address_machine(const char *text, char machine[ADDRESS_MACHINE_SIZE])
{
    struct in6_addr ipv6;
    char zone[IF_NAMESIZE + 1] = "", network[INET6_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    bool brackets = length > 2 && text[0] == '[' && text[length - 1] == ']';
    snprintf(machine, ADDRESS_MACHINE_SIZE, "%.*s", (int)(brackets ? length - 2 : length),
             text + brackets);
    char *percent = brackets ? strchr(machine, '%') : NULL;
    if (percent) {
        snprintf(zone, sizeof zone, "%s", percent);
        *percent = '\0';
    }
    if (!brackets || inet_pton(AF_INET6, machine, &ipv6) != 1)
        return machine;
    memset(ipv6.s6_addr + 8, 0, 8);
    inet_ntop(AF_INET6, &ipv6, network, sizeof network);
    snprintf(machine, ADDRESS_MACHINE_SIZE, "%s%s", network, zone);
    return machine;
}
