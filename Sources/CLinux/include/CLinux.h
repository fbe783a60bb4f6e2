// Linux as Swift sees it beside glibc's own module: kernel headers, and shims for macros, variadic
// functions and what only `_GNU_SOURCE` declares. That macro is defined in CLinux.c alone: in a
// header it would give structures another shape than glibc's module has.
#ifndef FAIRLEAD_CLINUX_H
#define FAIRLEAD_CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

// Moves the calling thread into the network namespace that `fd` refers to.
int fairlead_setns(int fd);
// Gives the calling thread a network namespace of its own.
int fairlead_unshare_network(void);
int fairlead_open(const char *path, int flags, mode_t mode);
// memfd_create(2): a file that is on no disk and goes with its descriptor.
int fairlead_memory_file(const char *name);
int fairlead_eventfd(void);
int fairlead_inotify_init(void);
// capget(2) has no glibc wrapper.
int fairlead_capget(struct __user_cap_header_struct *header, struct __user_cap_data_struct *data);
// Fills an abstract unix address; returns the size that it occupies.
socklen_t fairlead_abstract_address(struct sockaddr_un *address, const char *name, size_t length);
// Fills the address of a unix socket in the file system; returns the size that it occupies, 0 if the path is too long.
socklen_t fairlead_unix_address(struct sockaddr_un *address, const char *path, size_t length);
// The process that bound or connected the other end of a unix socket; -1 with errno on failure.
pid_t fairlead_peer_process(int fd);
// posix_spawn_file_actions_addchdir_np(3); `actions` is a posix_spawn_file_actions_t.
int fairlead_spawn_chdir(void *actions, const char *path);
// posix_spawn_file_actions_addclosefrom_np(3), the same.
int fairlead_spawn_close_from(void *actions, int first);

int fairlead_wifexited(int status);
int fairlead_wexitstatus(int status);
int fairlead_wtermsig(int status);

#endif
