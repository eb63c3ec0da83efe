/* finding.h - what a machine of this module has found out: something that no single message shows,
 * and for which a rule (rule.h) has the words. A machine only watches and tells; it never decides
 * how grave that is, and never keeps anything that the sensor's memory budget does not know. */
#ifndef DETECT_FINDING_H
#define DETECT_FINDING_H

#include "sensor/conversation.h"

/* All of it is valid during the call. */
struct finding {
    const char *name; /* "goose-state-went-back": static, the name rules have for it */
    nsec_t time;
    const struct conversation *conversation; /* NULL: of none */
    unsigned way;                            /* who did it: the sender of this way */
    const struct frame *frame;               /* that shows it; NULL: time alone, nothing came */
    const struct pdu *pdu;                   /* NULL: none */
    const char *object; /* "IED1/LLN0$GO$gcb1", an address: what it is about; NULL: the ends are */
    const char *detail; /* "stNum 7 after 12": figures for people; NULL: none */
};

typedef void finding_fn(void *arg, const struct finding *);

#endif
