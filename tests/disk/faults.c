/* Makes writes and syncs of files whose path holds a word fail, for as long as a control file says so.
 * $TMINUS_FAULTS names that file; each of its lines is `CALL ERRNO WORD`, CALL being write or sync. */
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

static int fault(int fd, const char *call) {
    const char *control = getenv("TMINUS_FAULTS");
    char path[4096], link[64], text[4096];
    if (!control) return 0;
    int saved = errno;
    int from = (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC);
    if (from < 0) { errno = saved; return 0; }
    long size = syscall(SYS_read, from, text, sizeof text - 1);
    syscall(SYS_close, from);
    errno = saved;
    if (size <= 0) return 0;
    text[size] = 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (length <= 0) return 0;
    path[length] = 0;
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n"))) {
        char what[16], word[256];
        int code;
        if (sscanf(line, "%15s %d %255s", what, &code, word) == 3 && !strcmp(what, call) && strstr(path, word))
            return code;
    }
    return 0;
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define FAIL(fd, call) do { int code = fault(fd, call); if (code) { errno = code; return -1; } } while (0)

ssize_t write(int fd, const void *bytes, size_t size) { REAL(write); FAIL(fd, "write"); return real(fd, bytes, size); }
ssize_t writev(int fd, const struct iovec *all, int count) { REAL(writev); FAIL(fd, "write"); return real(fd, all, count); }
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { REAL(pwrite); FAIL(fd, "write"); return real(fd, bytes, size, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) { REAL(pwrite64); FAIL(fd, "write"); return real(fd, bytes, size, at); }
int fsync(int fd) { REAL(fsync); FAIL(fd, "sync"); return real(fd); }
int fdatasync(int fd) { REAL(fdatasync); FAIL(fd, "sync"); return real(fd); }
