#include "proto/it/http/http.h"

#include "dissect.h"

FUZZ_DISSECTOR(http)
