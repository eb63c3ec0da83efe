#include "proto/ot/sel/sel.h"

#include "dissect.h"

FUZZ_DISSECTOR(sel)
