#include "proto/ot/bacnet/bacnet.h"

#include "dissect.h"

FUZZ_DISSECTOR(bacnet)
