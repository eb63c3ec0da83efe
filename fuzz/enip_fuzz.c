#include "proto/ot/enip/enip.h"

#include "dissect.h"

FUZZ_DISSECTOR(enip)
