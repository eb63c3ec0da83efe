#include "switch.h"
int
main(void)
{
    return 0;
}
