/* place.h - interfaces in other network namespaces, as "NAMESPACE/INTERFACE". */
#ifndef LAB_TOOLS_PLACE_H
#define LAB_TOOLS_PLACE_H

/* Has the calling thread enter the namespace that `name` names; one without a slash is in this one.
 * `*interface` becomes what is behind it, within `name`. Returns what place_leave() takes; ends the
 * program if there is no such namespace. */
int place_enter(const char *name, const char **interface);
/* Goes back. */
void place_leave(int back);

#endif
