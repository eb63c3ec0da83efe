#include "base/hash.h"

#include <pthread.h>
#include <sys/random.h>
#include <time.h>

static uint64_t secret;

static void
draw_secret(void)
{
    if (getrandom(&secret, sizeof secret, 0) != sizeof secret)
        secret = hash_mix((uint64_t)time(NULL) ^ (uintptr_t)&secret);
}

uint64_t
hash_secret(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, draw_secret);
    return secret;
}
