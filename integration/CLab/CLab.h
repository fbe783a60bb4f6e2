// epoll(7) and timerfd_create(2): glibc's Swift module does not have their headers.
#ifndef FAIRLEAD_CLAB_H
#define FAIRLEAD_CLAB_H

#include <sys/epoll.h>
#include <sys/timerfd.h>

#endif
