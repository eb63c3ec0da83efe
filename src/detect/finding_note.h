/* finding_note.h - a finding as octets, for another thread: a machine finds while it is told of a
 * packet or a message, and the finding is told where somebody else is told of the same. */
#ifndef DETECT_FINDING_NOTE_H
#define DETECT_FINDING_NOTE_H

#include "detect/finding.h"

size_t finding_note_size(const struct finding *);
/* Into so many octets, aligned for any word. */
void finding_note_put(void *note, const struct finding *);
/* Texts are those of the note. `of` has the conversation, the frame and the PDU of what is told
 * there: of those it has what the finding had. */
void finding_note_read(const void *note, const struct finding *of, struct finding *);

#endif
