/* Makes writes and syncs of files whose path holds a word fail or hang, for as long as a control file says so.
 * $TMINUS_FAULTS names that file; each of its lines is `CALL ERRNO WORD`, CALL being write, sync or stat. With
 * ERRNO 0 the call hangs until the line is gone or another. A WORD with a $ at its end is the end of the path. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* What is said of this call on that path: -1 nothing, 0 it hangs, else its error. */
static int said(const char *control, const char *path, const char *call) {
    char text[4096];
    int from = (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC);
    if (from < 0) return -1;
    long size = syscall(SYS_read, from, text, sizeof text - 1);
    syscall(SYS_close, from);
    if (size <= 0) return -1;
    text[size] = 0;
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n"))) {
        char what[16], word[256];
        int code;
        if (sscanf(line, "%15s %d %255s", what, &code, word) != 3 || strcmp(what, call)) continue;
        size_t length = strlen(word), whole = strlen(path);
        int at_end = word[length - 1] == '$';
        if (at_end) word[--length] = 0;
        if (at_end ? whole >= length && !strcmp(path + whole - length, word) : strstr(path, word) != NULL) return code;
    }
    return -1;
}

static int fault_at(const char *path, const char *call) {
    const char *control = getenv("TMINUS_FAULTS");
    int saved = errno, code = -1;
    while (control && (code = said(control, path, call)) == 0) {
        struct timespec moment = {0, 5 * 1000 * 1000};
        nanosleep(&moment, NULL);
    }
    errno = saved;
    return code > 0 ? code : 0;
}

static int fault(int fd, const char *call) {
    char path[4096], link[64];
    if (!getenv("TMINUS_FAULTS")) return 0;
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (length <= 0) return 0;
    path[length] = 0;
    return fault_at(path, call);
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define FAIL(fd, call) do { int code = fault(fd, call); if (code) { errno = code; return -1; } } while (0)

ssize_t write(int fd, const void *bytes, size_t size) { REAL(write); FAIL(fd, "write"); return real(fd, bytes, size); }
ssize_t writev(int fd, const struct iovec *all, int count) { REAL(writev); FAIL(fd, "write"); return real(fd, all, count); }
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { REAL(pwrite); FAIL(fd, "write"); return real(fd, bytes, size, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) { REAL(pwrite64); FAIL(fd, "write"); return real(fd, bytes, size, at); }
int fsync(int fd) { REAL(fsync); FAIL(fd, "sync"); return real(fd); }
int fdatasync(int fd) { REAL(fdatasync); FAIL(fd, "sync"); return real(fd); }
int statx(int at, const char *path, int flags, unsigned mask, struct statx *told) {
    REAL(statx);
    int code = path ? fault_at(path, "stat") : 0;
    if (code) { errno = code; return -1; }
    return real(at, path, flags, mask, told);
}
