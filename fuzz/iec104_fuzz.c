#include "proto/ot/iec104/iec104.h"

#include "dissect.h"

FUZZ_DISSECTOR(iec104)
