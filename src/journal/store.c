#include "journal/store.h"

#include "journal/postgres_conn.h"

const struct store_driver *
store_driver_for(const char *location)
{
    return pg_is_location(location) ? &store_postgres : &store_sqlite;
}
