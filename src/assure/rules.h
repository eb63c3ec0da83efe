/* rules.h - the numbers by which measurements are judged, each with its reason.
 *
 * doc/assure.md has the same table; a test compares the two. */
#ifndef ASSURE_RULES_H
#define ASSURE_RULES_H

#include <stdint.h>

/* name, value, unit, reason */
#define ASSURE_RULES(X)                                                                            \
    X(margin_us, 250, "microseconds above the fingerprint's 99th percentile",                      \
      "what line differential protection bears: 2.25 degrees at 50 Hz; well above the noise of "   \
      "software timestamps")                                                                       \
    X(margin_percent, 25, "percent of the fingerprint's median, if that is more",                  \
      "long paths vary more than short ones")                                                      \
    X(noise_percent, 100,                                                                          \
      "percent of its median, or `margin_us` if that is more, which its 99th percentile counts "   \
      "above it at the most",                                                                      \
      "rounds are judged by their medians, which noise hardly moves")                              \
    X(latency_rounds, 3, "rounds in a row beyond that",                                            \
      "the median of one round of five packets can be a busy node; of three it is the path")       \
    X(loss_window, 3, "rounds looked back for losses", "half a minute at the default interval")    \
    X(loss_rounds, 2, "of them with losses", "one lost packet is no deviation, two rounds are")    \
    X(dead_rounds, 2, "rounds in a row with nothing received",                                     \
      "a failover lasts milliseconds, not two rounds")                                             \
    X(clear_rounds, 6, "good rounds in a row until it counts as well again",                       \
      "a minute at the default interval")                                                          \
    X(clear_rounds_failover, 2, "the same on a failover path",                                     \
      "it is tested only every few rounds, so that this takes as long")                            \
    X(hold_window_s, 600, "seconds in which a second deviation is flapping",                       \
      "what comes back within ten minutes was not repaired")                                       \
    X(hold_most, 8, "times as many good rounds are asked for at the most",                         \
      "each flap doubles what is asked for, up to this")                                           \
    X(repeat_s, 600, "seconds between two reports of the same deviation",                          \
      "evidence is kept fresh without filling the journal")                                        \
    X(blind_rounds, 3, "rounds in a row that could not be made: the circuit is not watched",       \
      "as many as it takes to find a latency deviation")                                           \
    X(sent_percent, 90, "percent of the rate asked for that a node has to send",                   \
      "what is sent more slowly says nothing about the committed rate")                            \
    X(excess_percent, 110, "percent of what a meter may pass of a load above its rate",            \
      "its burst is counted in units of 1000 bits, and senders are not exact")

enum assure_rule {
#define ASSURE_RULE_VALUE(name, value, unit, reason) rule_##name = (value),
    ASSURE_RULES(ASSURE_RULE_VALUE)
#undef ASSURE_RULE_VALUE
};

struct rule_row {
    const char *name;
    uint32_t value;
    const char *unit, *reason;
};
/* All of them; `n` is set to their number. Static. */
const struct rule_row *assure_rules(uint32_t *n);

#endif
