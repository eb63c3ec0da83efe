#include "proto/ot/tristation/tristation.h"

#include "dissect.h"

FUZZ_DISSECTOR(tristation)
