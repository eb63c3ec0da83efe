#include "proto/ot/dnp3/dnp3.h"

#include "dissect.h"

FUZZ_DISSECTOR(dnp3)
