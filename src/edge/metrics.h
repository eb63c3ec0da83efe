/* metrics.h - what a node has counted, as OpenMetrics 1.0 text: for Prometheus and its kin. The
 * families are listed in doc/edge.md.
 *
 * Bounded, whatever the tables hold: the first METRICS_GROUPS groups and METRICS_METERS meters by
 * number, and of the flows the sums of the first METRICS_COOKIES cookies by value; a gauge says how
 * many entries are in none of these sums. Control thread. */
#ifndef EDGE_METRICS_H
#define EDGE_METRICS_H

#include "base/buf.h"
#include "edge/survey.h"

#define METRICS_GROUPS 1000
#define METRICS_BUCKETS 16 /* of each group */
#define METRICS_METERS 1000
#define METRICS_COOKIES 1000
#define METRICS_FLOWS 250000u /* with more entries there are no sums by cookie */
#define METRICS_CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

void metrics_put(const struct survey *, struct buf *);

#endif
