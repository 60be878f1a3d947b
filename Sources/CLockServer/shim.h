#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

// The C library declares it for GNU sources only.
int accept4(int, struct sockaddr *, socklen_t *, int);
