/* workflow_fields.h - reading a definition's mappings by tables: for workflow*.c only.
 *
 * One row per key a mapping may have: who reads its value, and into which member of the mapping's
 * structure. Every other key is an error that names those there are. */
#ifndef ORCHESTRATE_WORKFLOW_FIELDS_H
#define ORCHESTRATE_WORKFLOW_FIELDS_H

#include "orchestrate/workflow_def.h"

/* Reads one value into `into`, or says what is expected there. */
typedef enum err workflow_read_fn(struct workflow_reader *, struct yaml_place, json_t *value,
                                  void *into);

struct workflow_field {
    const char *key;
    workflow_read_fn *read;
    size_t offset; /* of what is read, in the mapping's structure */
    bool required;
};

/* Reads the mapping `object`, which stands at `place`, into the structure `into`. */
MUST_CHECK enum err workflow_read_fields(struct workflow_reader *, struct yaml_place,
                                         json_t *object, const struct workflow_field *, size_t n,
                                         void *into);
#define READ_FIELDS(reader, place, object, fields, into)                                           \
    workflow_read_fields((reader), (place), (object), (fields), ARRAY_SIZE(fields), (into))

workflow_read_fn workflow_read_text;            /* const char *: not empty */
workflow_read_fn workflow_read_name;            /* const char *: workflow_is_name() */
workflow_read_fn workflow_read_dotted_name;     /* const char *: "circuit.push" */
workflow_read_fn workflow_read_bool;            /* bool */
workflow_read_fn workflow_read_retry_count;     /* uint32_t: 0 to 1000 */
workflow_read_fn workflow_read_factor;          /* uint32_t: 1 to 10 */
workflow_read_fn workflow_read_parallel;        /* uint32_t: 1 to WORKFLOW_PARALLEL_MAX */
workflow_read_fn workflow_read_duration;        /* nsec_t: "90s", 90; never 0 */
workflow_read_fn workflow_read_object_template; /* json_t *, borrowed: an object ... */
workflow_read_fn workflow_read_text_template;   /* ... a text ... */
workflow_read_fn workflow_read_list_template;   /* ... a list, or a text that stands for one */
workflow_read_fn workflow_read_condition;       /* const struct workflow_condition * */

static inline struct yaml_place
member(const json_t *parent, const char *key)
{
    return (struct yaml_place){.parent = parent, .key = key};
}

static inline struct yaml_place
element(const json_t *parent, size_t index)
{
    return (struct yaml_place){.parent = parent, .index = index};
}

#endif
