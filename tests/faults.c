/* A disk that fails, and a process that dies, at one chosen call.
 *
 * Preloaded into a run and all that it starts (LD_PRELOAD), this stands before the calls of the C
 * library that change files. Those on regular files and folders below FAULTS_BELOW are numbered from
 * 1 on, in FAULTS_COUNTER, a file of 8 bytes that all processes of the run share. At number FAULTS_AT
 * it does FAULTS_DO:
 *
 *   eio            the call fails with EIO
 *   full           it fails with ENOSPC, a write after its first half; and then whatever needs room
 *   before, after  SIGKILL to all processes of the run (of its group) before the call, or after it
 *
 * FAULTS_LOG is a file to which every call is added, a line each. What stdio writes out by itself is
 * not seen, as it does not go through the C library's write; only git's small files are made so.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum fate { GO, FAIL, CUT, DIE_AFTER };

static unsigned long *counter;
static unsigned long at;
static const char *below, *doing;
static int log_file = -1;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS_COUNTER"), *log = getenv("FAULTS_LOG");
    int file = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    below = getenv("FAULTS_BELOW");
    doing = getenv("FAULTS_DO");
    at = strtoul(getenv("FAULTS_AT"), NULL, 10);
    counter = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (counter == MAP_FAILED) abort();
    syscall(SYS_close, file);
    if (log) log_file = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CLOEXEC);
}

/* Where the open file or folder `file` lies; "" if that cannot be told. */
static void place_of(int file, char *place) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, place, PATH_MAX);
    place[length < 0 ? 0 : length] = '\0';
}

/* The same of `path`, as seen from `folder`; of `folder` itself, an open file, where it is NULL. */
static void find(int folder, const char *path, char *place) {
    char start[PATH_MAX + 1] = "";
    if (!path) {
        place_of(folder, place);
    } else if (*path == '/') {
        snprintf(place, PATH_MAX, "%s", path);
    } else {
        if (folder != AT_FDCWD) place_of(folder, start);
        else if (!getcwd(start, sizeof start)) *start = '\0';
        snprintf(place, PATH_MAX, "%.*s/%.*s", 2000, start, 2000, path);
    }
}

/* Count this call, if it is one of ours, and say what becomes of it; errno is set where it fails.
 * `needs_room`: it cannot be done on a full disk; `making`: it only makes what is not there yet. */
static enum fate next(const char *call, int folder, const char *path, int needs_room, int making) {
    char place[PATH_MAX + 1], line[PATH_MAX + 64];
    int known = errno;
    if (!counter) return GO;
    find(folder, path, place);
    size_t length = strlen(below);
    int ours = !strncmp(place, below, length) && place[length] == '/';
    int done = making && !syscall(SYS_faccessat, AT_FDCWD, place, F_OK);
    errno = known;
    if (!ours || done) return GO;
    unsigned long number = __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
    if (log_file >= 0) {
        int size = snprintf(line, sizeof line, "%lu %s %s\n", number, call, place + length + 1);
        syscall(SYS_write, log_file, line, size);
        errno = known;
    }
    int full = !strcmp(doing, "full");
    if (!at || number < at || (number > at && !(full && needs_room))) return GO;
    if (!strcmp(doing, "before")) kill(0, SIGKILL);
    if (!strcmp(doing, "after")) return DIE_AFTER;
    if (full && number == at && strstr(call, "write")) return CUT;
    errno = full ? ENOSPC : EIO;
    return FAIL;
}

/* Stand before the function `name`; `cut` is how it is called for half of what it was to write. */
#define STAND_BEFORE(type, name, parameters, arguments, cut, folder, path, needs_room, making) \
    type name parameters {                                                                     \
        static type(*real) parameters;                                                         \
        if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name);                                  \
        enum fate fate = next(#name, folder, path, needs_room, making);                        \
        if (fate == FAIL) return -1;                                                           \
        type result = fate == CUT ? real cut : real arguments;                                 \
        if (fate == DIE_AFTER) kill(0, SIGKILL);                                               \
        return result;                                                                         \
    }
#define OF_FILE(type, name, parameters, arguments, cut, needs_room) \
    STAND_BEFORE(type, name, parameters, arguments, cut, file, NULL, needs_room, 0)
#define OF_PATH(name, parameters, arguments, folder, path, needs_room, making) \
    STAND_BEFORE(int, name, parameters, arguments, arguments, folder, path, needs_room, making)

OF_FILE(ssize_t, write, (int file, const void *data, size_t size), (file, data, size),
        (file, data, (size + 1) / 2), 1)
OF_FILE(ssize_t, pwrite, (int file, const void *data, size_t size, off_t offset),
        (file, data, size, offset), (file, data, (size + 1) / 2, offset), 1)
OF_FILE(ssize_t, pwrite64, (int file, const void *data, size_t size, off64_t offset),
        (file, data, size, offset), (file, data, (size + 1) / 2, offset), 1)
OF_FILE(ssize_t, writev, (int file, const struct iovec *parts, int count), (file, parts, count),
        (file, parts, (count + 1) / 2), 1)
OF_FILE(int, fsync, (int file), (file), (file), 0)
OF_FILE(int, fdatasync, (int file), (file), (file), 0)
OF_FILE(int, ftruncate, (int file, off_t size), (file, size), (file, size), 0)
OF_FILE(int, ftruncate64, (int file, off64_t size), (file, size), (file, size), 0)

OF_PATH(rename, (const char *old, const char *new), (old, new), AT_FDCWD, new, 0, 0)
OF_PATH(renameat, (int from, const char *old, int to, const char *new), (from, old, to, new), to,
        new, 0, 0)
OF_PATH(renameat2, (int from, const char *old, int to, const char *new, unsigned flags),
        (from, old, to, new, flags), to, new, 0, 0)
OF_PATH(link, (const char *old, const char *new), (old, new), AT_FDCWD, new, 1, 0)
OF_PATH(unlink, (const char *path), (path), AT_FDCWD, path, 0, 0)
OF_PATH(unlinkat, (int folder, const char *path, int flags), (folder, path, flags), folder, path,
        0, 0)
OF_PATH(mkdir, (const char *path, mode_t mode), (path, mode), AT_FDCWD, path, 1, 1)
OF_PATH(mkdirat, (int folder, const char *path, mode_t mode), (folder, path, mode), folder, path,
        1, 1)
OF_PATH(rmdir, (const char *path), (path), AT_FDCWD, path, 0, 0)

/* Opening counts where it makes a file, or empties one. */
#define OPENING(name, parameters, arguments, folder)                                       \
    int name parameters {                                                                  \
        static int(*real) parameters;                                                      \
        mode_t mode = 0;                                                                   \
        va_list rest;                                                                      \
        va_start(rest, flags);                                                             \
        if (flags & (O_CREAT | __O_TMPFILE)) mode = va_arg(rest, mode_t);                  \
        va_end(rest);                                                                      \
        if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name);                              \
        int creates = flags & O_CREAT, empties = flags & O_TRUNC;                          \
        enum fate fate = creates || empties ? next(#name, folder, path, 1, !empties) : GO; \
        if (fate == FAIL) return -1;                                                       \
        int result = real arguments;                                                       \
        if (fate == DIE_AFTER) kill(0, SIGKILL);                                           \
        return result;                                                                     \
    }
OPENING(open, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPENING(open64, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPENING(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, mode), folder)
OPENING(openat64, (int folder, const char *path, int flags, ...), (folder, path, flags, mode), folder)
