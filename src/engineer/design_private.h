/* design_private.h - what design.c keeps, for fit.c, which explains why a circuit was refused. */
#ifndef ENGINEER_DESIGN_PRIVATE_H
#define ENGINEER_DESIGN_PRIVATE_H

#include "engineer/design.h"
#include "engineer/pair.h"

#include <uthash.h>

/* Numbers in the order in which they were added, each once per circuit. */
struct ordered_set {
    uint32_t n;
    uint32_t *list;
    uint32_t *mark; /* by number: the circuit (designer.turn) it was added for */
};

/* The sites that nodes name, and their nodes. */
struct site_index {
    uint32_t n_sites;
    uint32_t *site_of;    /* by node */
    uint32_t *first_node; /* by site, in `nodes`; the next site's is where they end */
    uint32_t *nodes;
    bool *is_foreign; /* by site: nodes carry only what begins or ends there */
};

enum answer_kind { ANSWER_PATH, ANSWER_PAIR, ANSWER_TREE, ANSWER_BESIDE_TREE };

/* What was found for a question: kind, two nodes, the circuit's sites, the full links. */
struct answer {
    uint32_t *question;
    enum err err;
    struct pair pair;
    uint32_t *parent; /* of a tree: graph_tree() */
    size_t words;     /* that it takes, about */
    UT_hash_handle hh;
};

/* Why the last circuit was refused. */
enum refusal_kind {
    REFUSED_NOT,
    REFUSED_HOST,     /* not there, or attached nowhere */
    REFUSED_CAPACITY, /* no path with that much left, or none at all */
    REFUSED_LATENCY,
    REFUSED_SEPARATION,
    REFUSED_NUMBER,
};

struct refusal {
    enum refusal_kind kind;
    const char *host; /* the one not there, or the one not reached as asked; the circuit's */
    bool failover;    /* latency: it is the failover path that takes too long */
    int64_t delay_us; /* latency: so long */
    enum disjointness reached;
};

struct designer {
    const struct network *network;
    struct topology *topology;
    bool *number_taken; /* by number */
    uint32_t lowest_free;
    struct pair_finder finder;
    struct site_index sites;
    bool *excluded; /* by link */
    uint32_t n_excluded;
    /* No link has less than this left, so that most circuits need not look. */
    int64_t least_left;
    /* The links too full for the circuit at hand, as finder.full has them; its sites, as
     * finder.foreign has them: both ascending. */
    uint32_t n_full, *full_list;
    uint32_t n_home, *home, home_capacity;
    /* The circuit at hand. */
    uint32_t turn;
    struct ordered_set primary, failover, shared_links, shared_nodes;
    struct refusal refusal;
    /* Answers kept, the oldest first; those go when all together take more than they may. */
    struct answer *answers;
    size_t answer_words, answer_words_max;
    uint32_t *question; /* scratch: 3 words, the sites with their count, the full links */
    uint32_t question_capacity, question_words;
};

/* Makes the finder see the network as this circuit does: which links are full, which nodes foreign.
 * An answer of designer_find() lives until the next call. */
void designer_prepare(struct designer *, const struct circuit *);
/* As if nothing were reserved: full are only links that are too small. */
void designer_prepare_empty(struct designer *, const struct circuit *);
const struct answer *designer_find(struct designer *, enum answer_kind, uint32_t from, uint32_t to);

#endif
