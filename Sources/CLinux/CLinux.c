#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int fairlead_setns(int fd) { return setns(fd, CLONE_NEWNET); }

int fairlead_unshare_network(void) { return unshare(CLONE_NEWNET); }

int fairlead_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }

int fairlead_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int fairlead_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int fairlead_inotify_init(void) { return inotify_init1(IN_CLOEXEC | IN_NONBLOCK); }

int fairlead_capget(struct __user_cap_header_struct *header, struct __user_cap_data_struct *data) {
    return (int)syscall(SYS_capget, header, data);
}

socklen_t fairlead_abstract_address(struct sockaddr_un *address, const char *name, size_t length) {
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    if (length > sizeof(address->sun_path) - 1) length = sizeof(address->sun_path) - 1;
    memcpy(address->sun_path + 1, name, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

socklen_t fairlead_unix_address(struct sockaddr_un *address, const char *path, size_t length) {
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    // With the NUL that ends it.
    if (length == 0 || length >= sizeof(address->sun_path)) return 0;
    memcpy(address->sun_path, path, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

pid_t fairlead_peer_process(int fd) {
    struct ucred credentials;
    socklen_t length = sizeof(credentials);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == -1) return -1;
    return credentials.pid;
}

int fairlead_spawn_chdir(void *actions, const char *path) {
    return posix_spawn_file_actions_addchdir_np((posix_spawn_file_actions_t *)actions, path);
}

int fairlead_spawn_close_from(void *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np((posix_spawn_file_actions_t *)actions, first);
}

int fairlead_wifexited(int status) { return WIFEXITED(status); }

int fairlead_wexitstatus(int status) { return WEXITSTATUS(status); }

int fairlead_wtermsig(int status) { return WTERMSIG(status); }
