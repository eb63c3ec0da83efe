#include "proto/ot/c37118/c37118.h"

#include "dissect.h"

FUZZ_DISSECTOR(c37118)
