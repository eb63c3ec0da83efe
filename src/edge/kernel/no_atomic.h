/* no_atomic.h - stands in for <stdatomic.h> where headers of the packet thread are compiled for the
 * kernel's virtual machine, whose compiler can neither load atomic types nor describe them. Their
 * layout is that of the plain types; what is done to them there is written with the compiler's
 * __sync functions and volatile accesses. The functions below are never called. */
#ifndef EDGE_KERNEL_NO_ATOMIC_H
#define EDGE_KERNEL_NO_ATOMIC_H

#define __CLANG_STDATOMIC_H /* clang's guard */
#define _Atomic

enum { memory_order_relaxed, memory_order_acquire, memory_order_release, memory_order_seq_cst };

#define atomic_load_explicit(p, order) (*(p))
#define atomic_store_explicit(p, value, order) ((void)(*(p) = (value)))
#define atomic_fetch_add_explicit(p, value, order) (*(p) += (value))
#define atomic_init(p, value) ((void)(*(p) = (value)))
#define atomic_thread_fence(order) ((void)0)

#endif
