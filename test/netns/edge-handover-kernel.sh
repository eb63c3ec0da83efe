#!/bin/bash
# edge-handover.sh with the kernel's fast path.
exec "$(dirname "$0")/edge-handover.sh" "${1:?usage: $0 DIRECTORY-OF-PROGRAMS}" kernel
