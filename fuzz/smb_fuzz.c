#include "proto/it/smb/smb.h"

#include "dissect.h"

FUZZ_DISSECTOR(smb)
