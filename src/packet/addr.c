#include "packet/addr.h"

#include "base/bytes.h"
#include "base/hex.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

enum err
mac_parse(const char *text, struct mac *mac)
{
    struct mac result;
    char separator = text[0] && text[1] ? text[2] : '\0';
    if (separator != ':' && separator != '-')
        return ERR_MALFORMED;
    for (int i = 0; i < 6; i++, text += 3) {
        int high = hex_digit(text[0]);
        int low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0 || text[2] != (i < 5 ? separator : '\0'))
            return ERR_MALFORMED;
        result.octets[i] = (uint8_t)(high << 4 | low);
    }
    *mac = result;
    return ERR_OK;
}

char *
mac_format(const struct mac *mac, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof mac->octets; i++) {
        text[3 * i] = digits[mac->octets[i] >> 4];
        text[3 * i + 1] = digits[mac->octets[i] & 15];
        text[3 * i + 2] = ':';
    }
    text[MAC_TEXT_SIZE - 1] = '\0';
    return text;
}

enum err
ipv4_parse(const char *text, uint32_t *address)
{
    struct in_addr in;
    if (inet_pton(AF_INET, text, &in) != 1)
        return ERR_MALFORMED;
    *address = get_be32(&in.s_addr);
    return ERR_OK;
}

char *
ipv4_format(uint32_t address, char *text)
{
    snprintf(text, IPV4_TEXT_SIZE, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
             address >> 8 & 255, address & 255);
    return text;
}

enum err
ipv4_parse_prefix(const char *text, uint32_t *address, int *prefix_length)
{
    char quad[IPV4_TEXT_SIZE];
    const char *slash = strchr(text, '/');
    if (!slash || (size_t)(slash - text) >= sizeof quad)
        return ERR_MALFORMED;
    memcpy(quad, text, (size_t)(slash - text));
    quad[slash - text] = '\0';

    const char *digits = slash + 1;
    size_t n = strlen(digits);
    if (n < 1 || n > 2 || strspn(digits, "0123456789") != n || (n == 2 && digits[0] == '0'))
        return ERR_MALFORMED;
    int length = atoi(digits);
    if (length > 32)
        return ERR_INVALID;
    uint32_t result;
    enum err err = ipv4_parse(quad, &result);
    if (err)
        return err;
    *address = result;
    *prefix_length = length;
    return ERR_OK;
}

uint32_t
ipv4_mask(int prefix_length)
{
    return prefix_length <= 0 ? 0 : UINT32_MAX << (32 - prefix_length);
}

enum err
ipv6_parse(const char *text, uint8_t address[16])
{
    struct in6_addr in;
    if (inet_pton(AF_INET6, text, &in) != 1)
        return ERR_MALFORMED;
    memcpy(address, &in, 16);
    return ERR_OK;
}

char *
ipv6_format(const uint8_t address[16], char *text)
{
    inet_ntop(AF_INET6, address, text, IPV6_TEXT_SIZE);
    return text;
}
