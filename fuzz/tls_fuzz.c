#include "proto/it/tls/tls.h"

#include "dissect.h"

FUZZ_DISSECTOR(tls)
