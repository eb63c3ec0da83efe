#include "proto/ot/codesys/codesys.h"

#include "dissect.h"

FUZZ_DISSECTOR(codesys)
