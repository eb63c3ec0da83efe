/* member_list.h - the members that are lists; for member.c alone, which says what these do. */
#ifndef MODEL_MEMBER_LIST_H
#define MODEL_MEMBER_LIST_H

#include "model/member.h"

enum err member_list_from_text(const struct member *, void *object, const char *text,
                               struct diag *);
enum err member_list_from_json(const struct member *, void *object, const json_t *, struct diag *);
json_t *member_list_to_json(const struct member *, const void *object);
void member_list_to_text(const struct member *, const void *object, struct buf *);
bool member_list_is_set(const struct member *, const void *object);
bool member_list_equal(const struct member *, const void *a, const void *b);
void member_list_own(const struct member *, void *object);
void member_list_clear(const struct member *, void *object);

#endif
