#include "lab/tools/place.h"

#include "lab/tools/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
place_enter(const char *name, const char **interface)
{
    char path[300];
    const char *slash = strchr(name, '/');
    *interface = slash ? slash + 1 : name;
    if (!slash)
        return -1;
    int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/run/netns/%.*s", (int)(slash - name), name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (back < 0 || fd < 0 || setns(fd, CLONE_NEWNET))
        tool_fail("%s: %s", path, strerror(errno));
    close(fd);
    return back;
}

void
place_leave(int back)
{
    if (back < 0)
        return;
    if (setns(back, CLONE_NEWNET))
        tool_fail("network namespace: %s", strerror(errno));
    close(back);
}
