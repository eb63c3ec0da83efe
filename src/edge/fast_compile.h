/* fast_compile.h - from a program of the pipeline to the flat form that the kernel carries out. */
#ifndef EDGE_FAST_COMPILE_H
#define EDGE_FAST_COMPILE_H

#include "edge/kernel/fast_abi.h"
#include "edge/pipeline_private.h"

/* Fills all of `to` but its generation. False: the kernel cannot do it. Everything the program
 * names must be of this datapath, and stay while this runs. */
bool fast_compile(const struct datapath *, const struct program *, struct fast_program *to);

#endif
