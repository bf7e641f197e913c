/* OpenBLAS picks its kernels when it is loaded. Release 0.3.21 does not know newer
   Intel models and gives them the kernels of 2004 without a message, at a sixth of the
   speed (OpenBLAS issue 4267). A variable that OpenBLAS reads at that moment corrects
   this, so the program sets it and starts itself again.

   The functions of OpenBLAS are found through the loader, because the program links the
   BLAS of the system, and another BLAS does not have them. */
#define _GNU_SOURCE /* dladdr */
#include "program/blas_core.h"

#include "base/memory.h"
#include "hesse/analysis.h"
#include "ops/gemm.h"

#include <cblas.h>
#include <dlfcn.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

static const char mended_variable[] = "HESSE_BLAS_MENDED";

/* The search includes the libraries that are loaded for this code alone, if it is in a
   shared library. ISO C has no conversion from the loader's void pointer, POSIX has the
   same bytes. */
bool hesse_blas_symbol(const char *name, void *pointer)
{
    void *symbol = dlsym(RTLD_DEFAULT, name);
    if (symbol) memcpy(pointer, &symbol, sizeof symbol);
    return symbol != NULL;
}

static const char *core_name(void)
{
    char *(*name)(void);
    return hesse_blas_symbol("openblas_get_corename", &name) ? name() : NULL;
}

const char *hesse_blas_core(void)
{
    const char *name = core_name();
    return name ? name : "unknown";
}

int hesse_blas_threads(void)
{
    int (*threads)(void);
    return hesse_blas_symbol("openblas_get_num_threads", &threads) ? threads() : 0;
}

const char *hesse_blas_mended(void)
{
    return getenv(mended_variable);
}

/* True for names of processors without AVX2. On a processor with AVX2 such a name is a
   fallback. */
static bool is_old(const char *core)
{
    static const char *const old[] = {
        "Unknown",    "Generic",      "Katmai",      "Coppermine", "Northwood",
        "Banias",     "Atom",         "Prescott",    "Core2",      "Penryn",
        "Dunnington", "Nehalem",      "Nano",        "Athlon",     "Opteron",
        "Barcelona",  "Opteron_SSE3", "Sandybridge", "Bobcat",     "Bulldozer",
        "Piledriver", "Steamroller"};
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        if (strcasecmp(core, old[i]) == 0) return true;
    return false;
}

const char *hesse_blas_core_wanted(const char *core, bool avx2, bool avx512)
{
    if (!core || !is_old(core)) return NULL;
    if (avx512) return "SkylakeX";
    return avx2 ? "Haswell" : NULL;
}

static bool has_avx2(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return false;
#endif
}

static bool has_avx512(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
#else
    return false;
#endif
}

const char *hesse_blas_better(void)
{
    return hesse_blas_core_wanted(core_name(), has_avx2(), has_avx512());
}

/* The file that cblas_dgemm comes from, which system alternatives may have chosen. */
static const char *library(char path[PATH_MAX])
{
    void *self = dlopen(NULL, RTLD_LAZY),
         *dgemm = self ? dlsym(self, "cblas_dgemm") : NULL;
    Dl_info info;
    if (self) dlclose(self);
    if (!dgemm || !dladdr(dgemm, &info) || !realpath(info.dli_fname, path))
        return "BLAS";
    return path;
}

enum { ORDER = 256, TOKENS = 32, WIDTH = 64 };

static void blas_product(const double *a, double *c)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, ORDER, ORDER, ORDER, 1, a,
                ORDER, a, ORDER, 0, c, ORDER);
}

static void own_products(const double *a, double *c)
{
    for (size_t i = 0; i < TOKENS; i++)
        hesse_gemm(HESSE_ADD, WIDTH, HESSE_PANEL, WIDTH, 1,
                   (hesse_strided){a, WIDTH, 1}, a + i * WIDTH * HESSE_PANEL,
                   HESSE_PANEL, c + i * WIDTH * HESSE_PANEL, HESSE_PANEL);
}

static double thread_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The least seconds that `work` takes, from repeated runs during about 0.025 s. */
static double best(void (*work)(const double *a, double *c), const double *a, double *c)
{
    const double start = thread_seconds();
    double least = INFINITY, now = start, before;
    for (int i = 0; i < 2 || now < start + 0.025; i++) {
        before = now;
        work(a, c);
        now = thread_seconds();
        if (i) least = fmin(least, now - before); /* the first run loads pages */
    }
    return least;
}

const char *hesse_blas_describe(char text[256])
{
    char path[PATH_MAX];
    const char *file = library(path);
    char *(*config)(void);
    if (strstr(file, "openblas") && hesse_blas_symbol("openblas_get_config", &config))
        snprintf(text, 256, "%.255s", config());
    else
        snprintf(text, 256, "%.255s", file);
    return text;
}

void hesse_blas_warn(FILE *to)
{
    if (!to) return;
    static const double enough = 2.5;
    const size_t count = (size_t)ORDER * ORDER;
    const double flops = 2.0 * ORDER * ORDER * ORDER;
    const double own_flops = 2.0 * TOKENS * WIDTH * WIDTH * HESSE_PANEL;
    double *a = hesse_calloc(count, sizeof *a), *c = hesse_calloc(count, sizeof *c);
    const double slower =
        a && c ? best(blas_product, a, c) / flops * own_flops / best(own_products, a, c)
               : 0;
    free(a);
    free(c);
    if (!(slower > enough)) return;
    char path[PATH_MAX],
        advice[100] = "try a newer OpenBLAS, or another OPENBLAS_CORETYPE";
    const char *file = library(path);
    const bool open =
        strstr(file, "openblas"); /* OpenBLAS may be there for LAPACK alone */
    const char *core = open ? core_name() : NULL;
    const char *better = open ? hesse_blas_better() : NULL;
    if (better)
        snprintf(advice, sizeof advice, "set OPENBLAS_CORETYPE=%s", better);
    else if (!core)
        strcpy(advice, "install OpenBLAS (on Debian: libopenblas0-pthread)");
    fprintf(to,
            "warning: %s%s%s multiplies matrices %.1f times slower than this processor "
            "allows; %s\n",
            file, core ? " with the core " : "", core ? core : "", slower, advice);
}

static void mend_core(char **argv)
{
    const char *core = core_name(), *wanted = hesse_blas_better();
    if (!wanted || getenv("OPENBLAS_CORETYPE") || hesse_blas_mended()) return;
    /* The mark is set first: without it the program could start itself again without
       end. */
    if (setenv(mended_variable, core, 1)) return;
    if (setenv("OPENBLAS_CORETYPE", wanted, 1) == 0) execv("/proc/self/exe", argv);
    unsetenv("OPENBLAS_CORETYPE");
    unsetenv(mended_variable);
}

int hesse_blas_use_threads(int count)
{
    void (*set)(int);
    const int before = hesse_blas_threads();
    if (getenv("OPENBLAS_NUM_THREADS") || getenv("OMP_NUM_THREADS")) return before;
    if (count > 0 && hesse_blas_symbol("openblas_set_num_threads", &set)) set(count);
    return before;
}

void hesse_blas_mend(char **argv)
{
    mend_core(argv);
    hesse_blas_use_threads(1);
}
