/* hash_table.h - uthash, with a function for whose buckets nobody outside can choose keys: what
 * peers name is kept in such tables. All that use one table include it by this name. */
#ifndef BASE_HASH_TABLE_H
#define BASE_HASH_TABLE_H

#include "base/hash.h"

#define HASH_FUNCTION(key, size, hash) ((hash) = (unsigned)hash_bytes((key), (size), hash_secret()))
#include <uthash.h>

#endif
