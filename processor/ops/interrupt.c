#include "ops/interrupt.h"

#include <assert.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static sigset_t watched(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

struct interrupt interrupt_watch(void)
{
    sigset_t set = watched();
    int failed = sigprocmask(SIG_BLOCK, &set, NULL);
    assert(!failed);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    assert(fd >= 0);
    return (struct interrupt){fd};
}

/* The signal stays unread, so that the answer stays the same. */
bool interrupt_came(struct interrupt *interrupt)
{
    struct pollfd wait = {.fd = interrupt->fd, .events = POLLIN};
    return poll(&wait, 1, 0) > 0;
}

void interrupt_release(struct interrupt *interrupt)
{
    struct signalfd_siginfo taken;
    while (read(interrupt->fd, &taken, sizeof taken) == (ssize_t)sizeof taken)
        ; /* else they would end the process once unblocked */
    close(interrupt->fd);
    interrupt->fd = -1;
    sigset_t set = watched();
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}
