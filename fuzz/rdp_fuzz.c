#include "proto/it/rdp/rdp.h"

#include "dissect.h"

FUZZ_DISSECTOR(rdp)
