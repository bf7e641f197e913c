/* The program with faults, for tests/faults.py. It is linked with --wrap for the
   functions below, and one call of one of them fails on one rank, as it could on a real
   machine. HESSE_FAULT is RANK:FUNCTION:N, where N counts the calls from 0. Every rank
   appends its numbers of calls to the file that HESSE_FAULT_COUNTS names.

   A collective call is made first and then reported as failed. If the rank did not make
   it, all other ranks would wait in MPI, and no code above could notice. */
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NAMES = 32 };
static struct {
    const char *name;
    int calls;
} counted[NAMES];

static int rank(void)
{
    const char *text = getenv("OMPI_COMM_WORLD_RANK");
    if (!text) text = getenv("PMI_RANK"); /* MPICH's */
    return text ? atoi(text) : 0;
}

static void tell_counts(void)
{
    const char *path = getenv("HESSE_FAULT_COUNTS");
    FILE *f = path ? fopen(path, "a") : NULL;
    for (int i = 0; f && i < NAMES && counted[i].name; i++)
        fprintf(f, "%d:%s:%d\n", rank(), counted[i].name, counted[i].calls);
    if (f) fclose(f);
}

/* True if this call is the one that fails. */
static bool strikes(const char *name)
{
    int i = 0;
    while (counted[i].name && strcmp(counted[i].name, name) != 0) i++;
    if (!counted[i].name && i == 0) atexit(tell_counts);
    counted[i].name = name;
    char here[64];
    snprintf(here, sizeof here, "%d:%s:%d", rank(), name, counted[i].calls++);
    const char *fault = getenv("HESSE_FAULT");
    return fault && strcmp(fault, here) == 0;
}

static bool strikes_with(const char *name, int error)
{
    if (!strikes(name)) return false;
    errno = error;
    return true;
}

double *__real_hesse_alloc(size_t count);
double *__wrap_hesse_alloc(size_t count);
double *__wrap_hesse_alloc(size_t count)
{
    return strikes("hesse_alloc") ? NULL : __real_hesse_alloc(count);
}

void *__real_hesse_calloc(size_t count, size_t size);
void *__wrap_hesse_calloc(size_t count, size_t size);
void *__wrap_hesse_calloc(size_t count, size_t size)
{
    return strikes("hesse_calloc") ? NULL : __real_hesse_calloc(count, size);
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
    return strikes_with("fopen", EIO) ? NULL : __real_fopen(path, mode);
}

size_t __real_fread(void *to, size_t size, size_t count, FILE *f);
size_t __wrap_fread(void *to, size_t size, size_t count, FILE *f);
size_t __wrap_fread(void *to, size_t size, size_t count, FILE *f)
{
    return strikes_with("fread", EIO) ? 0 : __real_fread(to, size, count, f);
}

size_t __real_fwrite(const void *from, size_t size, size_t count, FILE *f);
size_t __wrap_fwrite(const void *from, size_t size, size_t count, FILE *f);
size_t __wrap_fwrite(const void *from, size_t size, size_t count, FILE *f)
{
    return strikes_with("fwrite", ENOSPC) ? 0 : __real_fwrite(from, size, count, f);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return strikes_with("open", EACCES) ? -1 : __real_open(path, flags, mode);
}

ssize_t __real_write(int fd, const void *from, size_t count);
ssize_t __wrap_write(int fd, const void *from, size_t count);
ssize_t __wrap_write(int fd, const void *from, size_t count)
{
    return strikes_with("write", ENOSPC) ? -1 : __real_write(fd, from, count);
}

ssize_t __real_pwrite(int fd, const void *from, size_t count, off_t at);
ssize_t __wrap_pwrite(int fd, const void *from, size_t count, off_t at);
ssize_t __wrap_pwrite(int fd, const void *from, size_t count, off_t at)
{
    return strikes_with("pwrite", ENOSPC) ? -1 : __real_pwrite(fd, from, count, at);
}

ssize_t __real_pread(int fd, void *to, size_t count, off_t at);
ssize_t __wrap_pread(int fd, void *to, size_t count, off_t at);
ssize_t __wrap_pread(int fd, void *to, size_t count, off_t at)
{
    return strikes_with("pread", EIO) ? -1 : __real_pread(fd, to, count, at);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    return strikes_with("rename", EROFS) ? -1 : __real_rename(from, to);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    return strikes_with("fsync", EIO) ? -1 : __real_fsync(fd);
}

int __real_fflush(FILE *f);
int __wrap_fflush(FILE *f);
int __wrap_fflush(FILE *f)
{
    return strikes_with("fflush", ENOSPC) ? -1 : __real_fflush(f);
}

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode)
{
    return strikes_with("mkdir", EACCES) ? -1 : __real_mkdir(path, mode);
}

int __real_posix_fallocate(int fd, off_t at, off_t size);
int __wrap_posix_fallocate(int fd, off_t at, off_t size);
int __wrap_posix_fallocate(int fd, off_t at, off_t size)
{
    return strikes("posix_fallocate") ? ENOSPC : __real_posix_fallocate(fd, at, size);
}

hid_t __real_H5Fcreate(const char *path, unsigned flags, hid_t create, hid_t access);
hid_t __wrap_H5Fcreate(const char *path, unsigned flags, hid_t create, hid_t access);
hid_t __wrap_H5Fcreate(const char *path, unsigned flags, hid_t create, hid_t access)
{
    return strikes("H5Fcreate") ? -1 : __real_H5Fcreate(path, flags, create, access);
}

hid_t __real_H5Fopen(const char *path, unsigned flags, hid_t access);
hid_t __wrap_H5Fopen(const char *path, unsigned flags, hid_t access);
hid_t __wrap_H5Fopen(const char *path, unsigned flags, hid_t access)
{
    const hid_t file = __real_H5Fopen(path, flags, access);
    return strikes("H5Fopen") ? -1 : file;
}

hid_t __real_H5Dcreate2(hid_t at, const char *name, hid_t type, hid_t space, hid_t link,
                        hid_t create, hid_t access);
hid_t __wrap_H5Dcreate2(hid_t at, const char *name, hid_t type, hid_t space, hid_t link,
                        hid_t create, hid_t access);
hid_t __wrap_H5Dcreate2(hid_t at, const char *name, hid_t type, hid_t space, hid_t link,
                        hid_t create, hid_t access)
{
    const hid_t set = __real_H5Dcreate2(at, name, type, space, link, create, access);
    if (!strikes("H5Dcreate2")) return set;
    H5Dclose(set);
    return -1;
}

herr_t __real_H5Dwrite(hid_t set, hid_t type, hid_t memory, hid_t space, hid_t transfer,
                       const void *from);
herr_t __wrap_H5Dwrite(hid_t set, hid_t type, hid_t memory, hid_t space, hid_t transfer,
                       const void *from);
herr_t __wrap_H5Dwrite(hid_t set, hid_t type, hid_t memory, hid_t space, hid_t transfer,
                       const void *from)
{
    const herr_t error = __real_H5Dwrite(set, type, memory, space, transfer, from);
    return strikes("H5Dwrite") ? -1 : error;
}

herr_t __real_H5Dread(hid_t set, hid_t type, hid_t memory, hid_t space, hid_t transfer,
                      void *to);
herr_t __wrap_H5Dread(hid_t set, hid_t type, hid_t memory, hid_t space, hid_t transfer,
                      void *to);
herr_t __wrap_H5Dread(hid_t set, hid_t type, hid_t memory, hid_t space, hid_t transfer,
                      void *to)
{
    if (strikes("H5Dread")) return -1;
    return __real_H5Dread(set, type, memory, space, transfer, to);
}

hid_t __real_H5Gcreate2(hid_t at, const char *name, hid_t link, hid_t create,
                        hid_t access);
hid_t __wrap_H5Gcreate2(hid_t at, const char *name, hid_t link, hid_t create,
                        hid_t access);
hid_t __wrap_H5Gcreate2(hid_t at, const char *name, hid_t link, hid_t create,
                        hid_t access)
{
    const hid_t group = __real_H5Gcreate2(at, name, link, create, access);
    if (!strikes("H5Gcreate2")) return group;
    H5Gclose(group);
    return -1;
}

herr_t __real_H5Awrite(hid_t attribute, hid_t type, const void *from);
herr_t __wrap_H5Awrite(hid_t attribute, hid_t type, const void *from);
herr_t __wrap_H5Awrite(hid_t attribute, hid_t type, const void *from)
{
    const herr_t error = __real_H5Awrite(attribute, type, from);
    return strikes("H5Awrite") ? -1 : error;
}

/* Solvers that do not converge. */
void __real_dsterf_(const int *n, double *d, double *e, int *info);
void __wrap_dsterf_(const int *n, double *d, double *e, int *info);
void __wrap_dsterf_(const int *n, double *d, double *e, int *info)
{
    __real_dsterf_(n, d, e, info);
    if (strikes("dsterf")) *info = 3;
}

void __real_dsyevd_2stage_(const char *jobz, const char *uplo, const int *n, double *a,
                           const int *lda, double *w, double *work, const int *lwork,
                           int *iwork, const int *liwork, int *info, size_t, size_t);
void __wrap_dsyevd_2stage_(const char *jobz, const char *uplo, const int *n, double *a,
                           const int *lda, double *w, double *work, const int *lwork,
                           int *iwork, const int *liwork, int *info, size_t x,
                           size_t y);
void __wrap_dsyevd_2stage_(const char *jobz, const char *uplo, const int *n, double *a,
                           const int *lda, double *w, double *work, const int *lwork,
                           int *iwork, const int *liwork, int *info, size_t x, size_t y)
{
    __real_dsyevd_2stage_(jobz, uplo, n, a, lda, w, work, lwork, iwork, liwork, info, x,
                          y);
    if (*lwork >= 0 && strikes("dsyevd_2stage")) *info = 3;
}
