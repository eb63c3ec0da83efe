#include "io/isolation.h"

#include "base/alloc.h"
#include "io/bpf_error.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of our filters, by which we find them again. */
#define HANDLE 0x7469u
#define PRIORITY 2u /* io/reflector.h comes before */

static const enum bpf_tc_attach_point points[] = {BPF_TC_INGRESS, BPF_TC_EGRESS};

struct isolation {
    unsigned ifindex;
    bool made_hook; /* the qdisc is ours */
};

/* Drops everything. */
static int
load_program(void)
{
    static const struct bpf_insn program[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_ACT_SHOT},
        {.code = BPF_JMP | BPF_EXIT},
    };
    return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "tieline_isolate", "Dual BSD/GPL", program,
                         ARRAY_SIZE(program), NULL);
}

static int
attach(unsigned ifindex, enum bpf_tc_attach_point point, int program)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
    LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program, .flags = BPF_TC_F_REPLACE,
                .handle = HANDLE, .priority = PRIORITY);
    return bpf_tc_attach(&hook, &options);
}

static void
detach(unsigned ifindex, enum bpf_tc_attach_point point)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = HANDLE, .priority = PRIORITY);
    (void)bpf_tc_detach(&hook, &options);
}

enum err
isolation_open(const char *name, unsigned ifindex, int in, int out, struct isolation **result,
               struct diag *diag)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
                .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
    libbpf_set_print(NULL);           /* what it has to say is in its results */
    const int programs[] = {in, out}; /* as `points` */
    int program = load_program();
    if (program < 0)
        return bpf_error(diag, name, "BPF program", errno);
    struct isolation *i = xcalloc(1, sizeof *i);
    i->ifindex = ifindex;
    int error = bpf_tc_hook_create(&hook);
    i->made_hook = !error;
    if (error == -EEXIST)
        error = 0;
    for (size_t k = 0; k < ARRAY_SIZE(points) && !error; k++)
        error = attach(ifindex, points[k], programs[k] >= 0 ? programs[k] : program);
    close(program); /* the filters keep it */
    if (error) {
        isolation_close(i);
        return bpf_error(diag, name, "traffic control filter", -error);
    }
    *result = i;
    return ERR_OK;
}

void
isolation_close(struct isolation *i)
{
    if (!i)
        return;
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)i->ifindex,
                .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
    for (size_t k = 0; k < ARRAY_SIZE(points); k++)
        detach(i->ifindex, points[k]);
    if (i->made_hook)
        (void)bpf_tc_hook_destroy(&hook);
    free(i);
}

void
isolation_leave(struct isolation *i)
{
    free(i);
}

bool
isolation_owns_hook(const struct isolation *i)
{
    return i && i->made_hook;
}

void
isolation_own_hook(struct isolation *i)
{
    i->made_hook = true;
}
