#include "proto/it/ssh/ssh.h"

#include "dissect.h"

FUZZ_DISSECTOR(ssh)
