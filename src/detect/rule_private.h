/* rule_private.h - the set of rules (rule.c), and what reads those of one file (rule_read.c). */
#ifndef DETECT_RULE_PRIVATE_H
#define DETECT_RULE_PRIVATE_H

#include "base/arena.h"
#include "base/yaml.h"
#include "detect/rule.h"

struct rules {
    struct arena *arena;
    const struct protocol *const *protocols;
    unsigned n_protocols;
    struct rule *rules;
    size_t n, capacity;
    const char **marks;
    size_t n_marks, marks_capacity;
};

/* One file. */
struct reader {
    struct rules *rules;
    const struct rules_source *source;
    struct yaml_tree *tree;
    struct rule *rule;
    struct diag *diag;
};

/* Adds those that the tree has. On an error the set is of no use. */
enum err reader_read(struct reader *);

#endif
