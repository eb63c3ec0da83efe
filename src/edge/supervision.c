#include "edge/supervision.h"

/* The node's place: its own, a free one, or that of whom was not heard the longest. */
static struct supervision_node *
place_of(struct supervisor *s, const struct mac *node)
{
    struct supervision_node *oldest = &s->nodes[0];
    for (uint32_t i = 0; i < s->n_nodes; i++) {
        if (!memcmp(&s->nodes[i].said.node, node, sizeof *node))
            return &s->nodes[i];
        if (s->nodes[i].heard < oldest->heard)
            oldest = &s->nodes[i];
    }
    if (s->n_nodes < SUPERVISION_NODES)
        oldest = &s->nodes[s->n_nodes++];
    *oldest = (struct supervision_node){.frames = 0};
    return oldest;
}

bool
supervisor_input(struct supervisor *s, const uint8_t *frame, size_t size, nsec_t now)
{
    struct supervision said;
    uint8_t lan;
    enum err err = supervision_read(frame, size, &said, &lan, NULL);
    if (err == ERR_NOT_FOUND)
        return false;
    s->received++;
    if (err) {
        s->flawed++;
        return true;
    }
    struct supervision_node *node = place_of(s, &said.node);
    node->said = said;
    node->heard = now;
    node->frames++;
    if (lan != 0xff)
        node->by_path[lan & 1] = now;
    return true;
}

void
supervisor_forget(struct supervisor *s, nsec_t now)
{
    for (uint32_t i = s->n_nodes; i-- > 0;) {
        if (now - s->nodes[i].heard >= SUPERVISION_FORGET_MS * NSEC_PER_MSEC)
            s->nodes[i] = s->nodes[--s->n_nodes];
    }
}

bool
supervisor_speak(struct supervisor *s, const struct supervision_speaker *speaker, nsec_t now)
{
    uint32_t i = 0;
    while (i < s->n_speakers && memcmp(&s->speakers[i].node, &speaker->node, sizeof speaker->node))
        i++;
    if (!speaker->interval) {
        if (i < s->n_speakers)
            s->speakers[i] = s->speakers[--s->n_speakers];
        return true;
    }
    if (i == SUPERVISION_SPEAKERS)
        return false;
    uint16_t sequence = i < s->n_speakers ? s->speakers[i].sequence : 0;
    uint64_t sent = i < s->n_speakers ? s->speakers[i].sent : 0;
    s->n_speakers += i == s->n_speakers;
    s->speakers[i] = *speaker;
    s->speakers[i].sequence = sequence;
    s->speakers[i].sent = sent;
    s->speakers[i].due = now;
    return true;
}

const struct supervision_speaker *
supervisor_output(struct supervisor *s, nsec_t now, uint8_t *frame)
{
    for (uint32_t i = 0; i < s->n_speakers; i++) {
        struct supervision_speaker *speaker = &s->speakers[i];
        if (now < speaker->due)
            continue;
        const struct supervision says = {.type = speaker->type,
                                         .version = 1,
                                         .sequence = speaker->sequence++,
                                         .node = speaker->node,
                                         .has_redbox = true,
                                         .redbox = speaker->redbox};
        supervision_write(&says, &speaker->redbox, 0, frame);
        speaker->sent++;
        speaker->due = now + speaker->interval; /* after a pause not all that was left out */
        return speaker;
    }
    return NULL;
}
