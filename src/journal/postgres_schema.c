#include "journal/postgres_schema.h"

#include "base/buf.h"
#include "journal/postgres_conn.h"

#include <stdlib.h>
#include <string.h>

#define SCHEMA_VERSION 1

/* Texts are in the collation "C", so that they sort by their octets whatever the database's locale
 * (and its next version) says. Changing a letter is a new SCHEMA_VERSION. */
#define CREATE                                                                                     \
    "CREATE TABLE tieline.journal(single boolean PRIMARY KEY CHECK (single),"                      \
    " version integer NOT NULL, id bytea NOT NULL, site text COLLATE \"C\" NOT NULL,"              \
    " epoch bigint NOT NULL, created bigint NOT NULL);"                                            \
    "CREATE TABLE tieline.event(seq bigint PRIMARY KEY, epoch bigint NOT NULL,"                    \
    " time bigint NOT NULL, type text COLLATE \"C\" NOT NULL, object text COLLATE \"C\" NOT NULL," \
    " actor text COLLATE \"C\" NOT NULL, prev_hash bytea NOT NULL, hash bytea NOT NULL,"           \
    " body text COLLATE \"C\" NOT NULL);"                                                          \
    "CREATE TABLE tieline.head(single boolean PRIMARY KEY CHECK (single), seq bigint NOT NULL,"    \
    " hash bytea NOT NULL, fence bigint NOT NULL);"                                                \
    "CREATE TABLE tieline.lease(single boolean PRIMARY KEY CHECK (single),"                        \
    " holder text COLLATE \"C\" NOT NULL, token bytea NOT NULL, fence bigint NOT NULL,"            \
    " since timestamp with time zone NOT NULL, expires timestamp with time zone NOT NULL);"        \
    "INSERT INTO tieline.lease VALUES(true, '', '', 0, clock_timestamp(), clock_timestamp());"

/* What of the catalogue says how the tables work. A row-security policy, a trigger or a rule would
 * change what a statement does, so there must be none. Sorted by octets. */
#define DESCRIBE                                                                                   \
    "SELECT what FROM ("                                                                           \
    "SELECT 'relation ' || relname || ' ' || relkind::text || ' ' || relpersistence::text ||"      \
    " CASE WHEN relrowsecurity THEN ' row-security' ELSE '' END AS what"                           \
    " FROM pg_class WHERE relnamespace = 'tieline'::regnamespace AND relkind <> 'c'"               \
    " UNION ALL SELECT 'column ' || relname || '.' || attname || ' ' ||"                           \
    " format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN '' ELSE ' null' END ||"        \
    " CASE WHEN attcollation = 950 THEN ' C' ELSE '' END ||"                                       \
    " CASE WHEN atthasdef THEN ' default' ELSE '' END"                                             \
    " FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"                                       \
    " WHERE relnamespace = 'tieline'::regnamespace AND relkind = 'r' AND attnum > 0"               \
    " AND NOT attisdropped"                                                                        \
    " UNION ALL SELECT 'constraint ' || relname || ' ' || pg_get_constraintdef(k.oid)"             \
    " FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid"                                    \
    " WHERE relnamespace = 'tieline'::regnamespace AND contype <> 'n'"                             \
    " UNION ALL SELECT 'trigger ' || relname || ' ' || tgname"                                     \
    " FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid"                                          \
    " WHERE relnamespace = 'tieline'::regnamespace"                                                \
    " UNION ALL SELECT 'rule ' || relname || ' ' || rulename"                                      \
    " FROM pg_rewrite JOIN pg_class c ON c.oid = ev_class"                                         \
    " WHERE relnamespace = 'tieline'::regnamespace"                                                \
    " UNION ALL SELECT 'heir ' || c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid"  \
    " JOIN pg_class p ON p.oid = inhparent WHERE p.relnamespace = 'tieline'::regnamespace"         \
    ") all_there_is ORDER BY what COLLATE \"C\""

static const char *const described[] = {
    "column event.actor text C",
    "column event.body text C",
    "column event.epoch bigint",
    "column event.hash bytea",
    "column event.object text C",
    "column event.prev_hash bytea",
    "column event.seq bigint",
    "column event.time bigint",
    "column event.type text C",
    "column head.fence bigint",
    "column head.hash bytea",
    "column head.seq bigint",
    "column head.single boolean",
    "column journal.created bigint",
    "column journal.epoch bigint",
    "column journal.id bytea",
    "column journal.single boolean",
    "column journal.site text C",
    "column journal.version integer",
    "column lease.expires timestamp with time zone",
    "column lease.fence bigint",
    "column lease.holder text C",
    "column lease.since timestamp with time zone",
    "column lease.single boolean",
    "column lease.token bytea",
    "constraint event PRIMARY KEY (seq)",
    "constraint head CHECK (single)",
    "constraint head PRIMARY KEY (single)",
    "constraint journal CHECK (single)",
    "constraint journal PRIMARY KEY (single)",
    "constraint lease CHECK (single)",
    "constraint lease PRIMARY KEY (single)",
    "relation event r p",
    "relation event_pkey i p",
    "relation head r p",
    "relation head_pkey i p",
    "relation journal r p",
    "relation journal_pkey i p",
    "relation lease r p",
    "relation lease_pkey i p",
};

/* How many relations the schema has (-1: there is none), and whether there is a version to read. */
#define LOOK                                                                                       \
    "SELECT coalesce((SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = n.oid)"           \
    " FROM pg_namespace n WHERE nspname = 'tieline'), -1),"                                        \
    " (SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('tieline.journal')"          \
    " AND attname = 'version' AND atttypid = 23 AND NOT attisdropped)"

static enum err
check_version(PGconn *conn, const char *location, nsec_t deadline, struct diag *diag)
{
    PGresult *result;
    enum err err = pg_run(conn, location, "SELECT version FROM tieline.journal LIMIT 2", NULL,
                          deadline, &result, diag);
    if (err)
        return err;
    int version = PQntuples(result) == 1 ? atoi(PQgetvalue(result, 0, 0)) : -1;
    PQclear(result);
    if (version == -1)
        return diag_set(diag, ERR_CORRUPT, "%s: the journal's identity is damaged", location);
    if (version != SCHEMA_VERSION)
        return diag_set(diag, ERR_UNSUPPORTED, "%s: schema version %d, this program knows %d",
                        location, version, SCHEMA_VERSION);
    return ERR_OK;
}

static enum err
check_description(PGconn *conn, const char *location, nsec_t deadline, struct diag *diag)
{
    PGresult *result;
    enum err err = pg_run(conn, location, DESCRIBE, NULL, deadline, &result, diag);
    if (err)
        return err;
    size_t n = (size_t)PQntuples(result);
    for (size_t i = 0; !err && (i < n || i < ARRAY_SIZE(described)); i++) {
        const char *found = i < n ? PQgetvalue(result, (int)i, 0) : NULL;
        const char *wanted = i < ARRAY_SIZE(described) ? described[i] : NULL;
        int order = !found ? 1 : !wanted ? -1 : strcmp(found, wanted);
        if (order)
            err = diag_set(diag, ERR_CORRUPT, "%s: the schema is not a journal's: %s '%.100s'",
                           location, order < 0 ? "see" : "no", order < 0 ? found : wanted);
    }
    PQclear(result);
    return err;
}

enum err
pg_schema_check(PGconn *conn, const char *location, nsec_t deadline, struct diag *diag)
{
    PGresult *result;
    enum err err = pg_run(conn, location, LOOK, NULL, deadline, &result, diag);
    if (err)
        return err;
    long long n_relations = atoll(PQgetvalue(result, 0, 0));
    bool versioned = !strcmp(PQgetvalue(result, 0, 1), "1");
    PQclear(result);
    if (n_relations <= 0)
        return diag_set(diag, ERR_NOT_FOUND, "%s: no journal in this database", location);
    if (!versioned)
        return diag_set(diag, ERR_MALFORMED,
                        "%s: the schema 'tieline' of this database is not a journal", location);
    err = check_version(conn, location, deadline, diag);
    return err ? err : check_description(conn, location, deadline, diag);
}

static enum err
insert_identity(PGconn *conn, const char *location, const struct journal_identity *identity,
                nsec_t deadline, struct diag *diag)
{
    struct journal_hasher hasher;
    uint8_t hash[JOURNAL_HASH_SIZE];
    struct pg_params journal = {0}, head = {0};
    journal_hasher_init(&hasher);
    journal_identity_hash(&hasher, identity, hash);
    journal_hasher_fini(&hasher);
    pg_add_bytes(&journal, PG_BYTEA, identity->id, JOURNAL_ID_SIZE);
    pg_add_text(&journal, identity->site);
    pg_add_int(&journal, (int64_t)identity->epoch);
    pg_add_int(&journal, identity->created);
    pg_add_int(&journal, SCHEMA_VERSION);
    pg_add_bytes(&head, PG_BYTEA, hash, sizeof hash);
    enum err err = pg_run(conn, location,
                          "INSERT INTO tieline.journal VALUES(true, $5, $1, $2, $3, $4)", &journal,
                          deadline, NULL, diag);
    return err ? err
               : pg_run(conn, location, "INSERT INTO tieline.head VALUES(true, 0, $1, 0)", &head,
                        deadline, NULL, diag);
}

/* Two instances may begin at the same moment: the lock is for whoever creates. A schema that is
 * there and empty was made by an administrator for us. */
#define BEGIN                                                                                      \
    "BEGIN; SELECT pg_advisory_xact_lock(x'544c4a31'::bigint);"                                    \
    "DO $$BEGIN IF to_regnamespace('tieline') IS NULL THEN CREATE SCHEMA tieline; END IF; END$$"

enum err
pg_schema_create(PGconn *conn, const char *location, const struct journal_identity *identity,
                 nsec_t deadline, struct diag *diag)
{
    enum err err = pg_run(conn, location, BEGIN, NULL, deadline, NULL, diag);
    if (!err)
        err = pg_schema_check(conn, location, deadline, diag);
    if (err == ERR_NOT_FOUND) {
        err = pg_run(conn, location, CREATE, NULL, deadline, NULL, diag);
        if (!err)
            err = insert_identity(conn, location, identity, deadline, diag);
    }
    if (!err)
        err = pg_run(conn, location, "COMMIT", NULL, deadline, NULL, diag);
    return err;
}
