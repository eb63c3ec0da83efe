#include "proto/ot/hartip/hartip.h"

#include "dissect.h"

FUZZ_DISSECTOR(hartip)
