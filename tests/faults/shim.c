/* A disk that is slow, full, broken or stuck, for event files only.
 *
 * Preloaded before the C library, it looks at the file named by FAULT_CONTROL before each write to
 * a file whose path holds "tfevents": one line, a word and a number.
 *   ok 0 | slow MILLISECONDS | stall 0 | errno NUMBER | fail NUMBER TIMES | short 0 | fsync NUMBER
 * "fail" fails so many writes and then puts "ok" into the control file, "fsync" one fsync. Each
 * fsync of such a file adds the thread's id to the file FAULT_CONTROL.fsync, a line each.
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
    int number = 0, times = 0;
    if (!control || !is_event_file(fd)) return 0;
    for (;;) {
        int file = syscall(SYS_openat, AT_FDCWD, control, O_RDONLY);
        if (file < 0) return 0;
        ssize_t length = syscall(SYS_read, file, text, sizeof text - 1);
        syscall(SYS_close, file);
        text[length > 0 ? length : 0] = 0;
        if (sscanf(text, "%15s %d %d", word, &number, &times) < 1) return 0;
        if (strcmp(word, "stall")) break;
        usleep(10000);
    }
    if (!strcmp(word, "slow")) usleep(number * 1000);
    if (!strcmp(word, "short")) return 1;
    if (!strcmp(word, "fail")) {
        int length = times > 1 ? snprintf(text, sizeof text, "fail %d %d", number, times - 1)
                               : snprintf(text, sizeof text, "ok 0");
        int file = syscall(SYS_openat, AT_FDCWD, control, O_WRONLY | O_TRUNC);
        syscall(SYS_write, file, text, length);
        syscall(SYS_close, file);
    }
    if (!strcmp(word, "errno") || !strcmp(word, "fail")) { errno = number; return -1; }
    return 0;
}

/* What a sync returns, or 1 to do it. */
static int sync_fault(int fd)
{
    const char *control = getenv("FAULT_CONTROL");
    char path[4096], text[64] = {0};
    int number = 0;
    if (!control || !is_event_file(fd)) return 1;
    snprintf(path, sizeof path, "%s.fsync", control);
    int file = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT, 0666);
    int length = snprintf(text, sizeof text, "%ld\n", syscall(SYS_gettid));
    syscall(SYS_write, file, text, length);
    syscall(SYS_close, file);
    file = syscall(SYS_openat, AT_FDCWD, control, O_RDWR);
    length = syscall(SYS_read, file, text, sizeof text - 1);
    text[length > 0 ? length : 0] = 0;
    if (sscanf(text, "fsync %d", &number) == 1) {
        syscall(SYS_ftruncate, file, 0);
        syscall(SYS_pwrite64, file, "ok 0", 4, 0);
    }
    syscall(SYS_close, file);
    errno = number;
    return number ? -1 : 1;
}

int fsync(int fd)
{
    int what = sync_fault(fd);
    return what < 0 ? what : syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    int what = sync_fault(fd);
    return what < 0 ? what : syscall(SYS_fdatasync, fd);
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
