#include "advisory/vendor.h"

#include "base/attr.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* What a name begins with, and whose it is; words in small letters. */
static const struct {
    const char *alias, *vendor;
} aliases[] = {
    {"abb power grids", "hitachi energy"},
    {"abb", "abb"},
    {"advantech", "advantech"},
    {"allen bradley", "rockwell automation"},
    {"alstom grid", "ge vernova"},
    {"anybus", "hms"},
    {"areva t d", "schneider electric"},
    {"arbiter systems", "arbiter"},
    {"asea brown boveri", "abb"},
    {"aveva", "aveva"},
    {"b r industrial", "b&r"},
    {"bernecker", "b&r"},
    {"beckhoff", "beckhoff"},
    {"belden", "belden"},
    {"beijer", "beijer"},
    {"bosch rexroth", "bosch rexroth"},
    {"bristol babcock", "emerson"},
    {"carlo gavazzi", "carlo gavazzi"},
    {"cisco", "cisco"},
    {"codesys", "codesys"},
    {"3s smart", "codesys"},
    {"cooper power", "eaton"},
    {"delta electronics", "delta electronics"},
    {"eaton", "eaton"},
    {"elster", "honeywell"},
    {"emerson", "emerson"},
    {"ewon", "hms"},
    {"fanuc", "fanuc"},
    {"festo", "festo"},
    {"fisher rosemount", "emerson"},
    {"garrettcom", "belden"},
    {"ge digital energy", "ge vernova"},
    {"ge energy", "ge vernova"},
    {"ge fanuc", "emerson"},
    {"ge grid", "ge vernova"},
    {"ge intelligent platforms", "emerson"},
    {"ge multilin", "ge vernova"},
    {"ge vernova", "ge vernova"},
    {"general electric", "ge vernova"},
    {"ge", "ge vernova"},
    {"hirschmann", "belden"},
    {"hitachi abb power grids", "hitachi energy"},
    {"hitachi energy", "hitachi energy"},
    {"hms", "hms"},
    {"honeywell", "honeywell"},
    {"ifm", "ifm"},
    {"ingeteam", "ingeteam"},
    {"johnson controls", "johnson controls"},
    {"kongsberg", "kongsberg"},
    {"korenix", "westermo"},
    {"lantronix", "lantronix"},
    {"meinberg", "meinberg"},
    {"melsec", "mitsubishi electric"},
    {"microchip", "microchip"},
    {"mikronika", "mikronika"},
    {"mitsubishi", "mitsubishi electric"},
    {"modicon", "schneider electric"},
    {"moxa", "moxa"},
    {"nari", "nari"},
    {"novatech", "novatech"},
    {"omicron", "omicron"},
    {"omron", "omron"},
    {"phoenix contact", "phoenix contact"},
    {"pilz", "pilz"},
    {"prosoft", "prosoft"},
    {"red lion", "red lion"},
    {"rockwell", "rockwell automation"},
    {"ruggedcom", "siemens"},
    {"schneider", "schneider electric"},
    {"schweitzer", "sel"},
    {"sel", "sel"},
    {"siemens", "siemens"},
    {"sixnet", "red lion"},
    {"sma", "sma"},
    {"square d", "schneider electric"},
    {"telemecanique", "schneider electric"},
    {"toshiba", "toshiba"},
    {"triconex", "schneider electric"},
    {"tridium", "honeywell"},
    {"turck", "turck"},
    {"unitronics", "unitronics"},
    {"wago", "wago"},
    {"weidmuller", "weidmuller"},
    {"weidmueller", "weidmuller"},
    {"westermo", "westermo"},
    {"yokogawa", "yokogawa"},
};

/* What companies are, and not what they are called. */
static const char *const forms[] = {
    "inc",  "incorporated", "ltd",         "limited", "llc",     "ag",  "gmbh", "co", "kg",
    "corp", "se",           "corporation", "sa",      "company", "s",   "a",    "oy", "ab",
    "plc",  "bv",           "b",           "v",       "spa",     "srl", "the"};

static bool
is_form(const char *word, size_t n)
{
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        if (strlen(forms[i]) == n && !memcmp(forms[i], word, n))
            return true;
    }
    return false;
}

const char *
vendor_name(const char *text, char *name)
{
    size_t n = 0;
    while (*text) { /* words in small letters, a blank between */
        char word[VENDOR_MAX];
        size_t k = 0;
        while (*text && !isalnum((unsigned char)*text) && (unsigned char)*text < 0x80)
            text++;
        for (; isalnum((unsigned char)*text) || (unsigned char)*text >= 0x80; text++) {
            if (k < sizeof word - 1)
                word[k++] = (char)tolower((unsigned char)*text);
        }
        if (!k || (n && is_form(word, k)) || n + k + 2 > VENDOR_MAX)
            continue;
        if (n)
            name[n++] = ' ';
        memcpy(name + n, word, k);
        n += k;
    }
    name[n] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
        size_t size = strlen(aliases[i].alias);
        if (!strncmp(name, aliases[i].alias, size) && (name[size] == ' ' || !name[size]))
            return strcpy(name, aliases[i].vendor);
    }
    return name;
}
