#include "proto/ot/mms/mms.h"

#include "dissect.h"

FUZZ_DISSECTOR(mms)
