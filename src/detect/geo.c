#include "detect/geo.h"

#include "base/alloc.h"

#include <maxminddb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct geo {
    MMDB_s db;
};

enum err
geo_open(const char *path, struct geo **out, struct diag *diag)
{
    struct geo *g = xcalloc(1, sizeof *g);
    int status = MMDB_open(path, MMDB_MODE_MMAP, &g->db);
    if (status != MMDB_SUCCESS) {
        free(g);
        bool is_file = status == MMDB_FILE_OPEN_ERROR || status == MMDB_IO_ERROR;
        return diag_set(diag, is_file ? ERR_NOT_FOUND : ERR_MALFORMED, "%s: %s", path,
                        MMDB_strerror(status));
    }
    *out = g;
    return ERR_OK;
}

void
geo_close(struct geo *g)
{
    if (!g)
        return;
    MMDB_close(&g->db);
    free(g);
}

static bool
read_code(MMDB_entry_s *entry, const char *which, char code[3])
{
    MMDB_entry_data_s data;
    int status = MMDB_get_value(entry, &data, which, "iso_code", NULL);
    if (status != MMDB_SUCCESS || !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING ||
        data.data_size != 2)
        return false;
    memcpy(code, data.utf8_string, 2);
    code[2] = '\0';
    return true;
}

bool
geo_country(const struct geo *g, const uint8_t *address, uint8_t ip, char code[3])
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    int error = MMDB_SUCCESS;
    memcpy(&v4.sin_addr, address, sizeof v4.sin_addr);
    if (ip == 6)
        memcpy(&v6.sin6_addr, address, sizeof v6.sin6_addr);
    const struct sockaddr *who = ip == 6 ? (const void *)&v6 : (const void *)&v4;
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(&g->db, who, &error);
    return error == MMDB_SUCCESS && found.found_entry &&
           (read_code(&found.entry, "country", code) ||
            read_code(&found.entry, "registered_country", code));
}
