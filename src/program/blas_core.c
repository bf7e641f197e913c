/* OpenBLAS picks its kernels when it is loaded. Release 0.3.21 knows no Intel model newer
   than itself and gives those the kernels of 2004, at a sixth of the speed, in silence
   (OpenBLAS issue 4267). The cure is a variable that is read at that very moment; so the
   program sets it and starts itself again.

   OpenBLAS is asked through the loader because the program links whichever BLAS the
   system has, and another has none of these functions. */
#include "program/blas_core.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char mended_variable[] = "HESSE_BLAS_MENDED";

/* A function of the libraries in this process, copied to *pointer; false: there is none.
   ISO C has no conversion from the loader's void pointer, POSIX has the same bytes. */
static bool look_up(const char *name, void *pointer)
{
    void *self = dlopen(NULL, RTLD_LAZY);
    if (!self) return false;
    void *symbol = dlsym(self, name);
    dlclose(self);
    if (symbol) memcpy(pointer, &symbol, sizeof symbol);
    return symbol != NULL;
}

static const char *core_name(void)
{
    char *(*name)(void);
    return look_up("openblas_get_corename", &name) ? name() : NULL;
}

const char *hesse_blas_core(void)
{
    const char *name = core_name();
    return name ? name : "unknown";
}

int hesse_blas_threads(void)
{
    int (*threads)(void);
    return look_up("openblas_get_num_threads", &threads) ? threads() : 0;
}

const char *hesse_blas_mended(void)
{
    return getenv(mended_variable);
}

/* Names of processors without AVX2: on one that has it, a fallback. */
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

static void mend_core(char **argv)
{
    const char *core = core_name(), *wanted = hesse_blas_better();
    if (!wanted || getenv("OPENBLAS_CORETYPE") || hesse_blas_mended()) return;
    /* The mark goes first: without it the program could start itself for ever. */
    if (setenv(mended_variable, core, 1)) return;
    if (setenv("OPENBLAS_CORETYPE", wanted, 1) == 0) execv("/proc/self/exe", argv);
    unsetenv("OPENBLAS_CORETYPE");
    unsetenv(mended_variable);
}

static void mend_threads(void)
{
    void (*set)(int);
    if (getenv("OPENBLAS_NUM_THREADS") || getenv("OMP_NUM_THREADS")) return;
    if (look_up("openblas_set_num_threads", &set)) set(1);
}

void hesse_blas_mend(char **argv)
{
    mend_core(argv);
    mend_threads();
}
