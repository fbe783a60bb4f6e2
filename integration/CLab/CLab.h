// epoll(7), timerfd_create(2), sendfile(2), and what only exists with _GNU_SOURCE: glibc's Swift module does not have them.
// capset(2) has no wrapper.
#ifndef FAIRLEAD_CLAB_H
#define FAIRLEAD_CLAB_H

#include <linux/capability.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

// accept4(2): not blocking, and not for children.
static inline int fairlead_lab_accept(int listener, struct sockaddr *peer, socklen_t *length) {
    return (int)syscall(SYS_accept4, listener, peer, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

// `struct mmsghdr` as the kernel has it.
struct fairlead_lab_message {
    struct msghdr header;
    unsigned int length;
};

// recvmmsg(2) and sendmmsg(2).
static inline int fairlead_lab_receive(int socket, struct fairlead_lab_message *messages, unsigned int count) {
    return (int)syscall(SYS_recvmmsg, socket, messages, count, MSG_DONTWAIT, (void *)0);
}

static inline int fairlead_lab_send(int socket, struct fairlead_lab_message *messages, unsigned int count) {
    return (int)syscall(SYS_sendmmsg, socket, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// Gives the calling thread one of its permitted capabilities, or takes it: -1 with errno on failure.
static inline int lab_set_capability(unsigned number, int isEffective) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    unsigned bit = 1u << (number % 32);
    if (isEffective) data[number / 32].effective |= bit;
    else data[number / 32].effective &= ~bit;
    return (int)syscall(SYS_capset, &header, data);
}

#endif
