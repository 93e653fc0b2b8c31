/* A disk that is slow, full, broken or stuck, for event files only.
 *
 * Preloaded before the C library, it looks at the file named by FAULT_CONTROL before each write to
 * a file whose path holds "tfevents": one line, a word and a number.
 *   ok 0 | slow MILLISECONDS | stall 0 | errno NUMBER | once NUMBER | short 0
 * "once" fails one write and then puts "ok" into the control file.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_event_file(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, "tfevents") != NULL;
}

/* Returns 0 to go on, -1 with errno set to fail, 1 to write half. */
static int fault(int fd)
{
    const char *control = getenv("FAULT_CONTROL");
    char text[64] = {0}, word[16] = "ok";
    int number = 0;
    if (!control || !is_event_file(fd)) return 0;
    for (;;) {
        int file = syscall(SYS_openat, AT_FDCWD, control, O_RDONLY);
        if (file < 0) return 0;
        ssize_t length = syscall(SYS_read, file, text, sizeof text - 1);
        syscall(SYS_close, file);
        text[length > 0 ? length : 0] = 0;
        if (sscanf(text, "%15s %d", word, &number) < 1) return 0;
        if (strcmp(word, "stall")) break;
        usleep(10000);
    }
    if (!strcmp(word, "slow")) usleep(number * 1000);
    if (!strcmp(word, "short")) return 1;
    if (!strcmp(word, "once")) {
        int file = syscall(SYS_openat, AT_FDCWD, control, O_WRONLY | O_TRUNC);
        syscall(SYS_write, file, "ok 0", 4);
        syscall(SYS_close, file);
    }
    if (!strcmp(word, "errno") || !strcmp(word, "once")) { errno = number; return -1; }
    return 0;
}

ssize_t write(int fd, const void *data, size_t count)
{
    int what = fault(fd);
    if (what < 0) return -1;
    return syscall(SYS_write, fd, data, what && count > 1 ? count / 2 : count);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    int what = fault(fd);
    if (what < 0) return -1;
    return syscall(SYS_writev, fd, pieces, what && count > 1 ? count / 2 : count);
}
