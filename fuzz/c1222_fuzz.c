#include "proto/ot/c1222/c1222.h"

#include "dissect.h"

FUZZ_DISSECTOR(c1222)
