/* This prints everything that a report of a problem, or of a run time, should have:
   versions, the machine, and the speed of every rank while all of them work. */
#include "base/units.h"
#include "curvature/rates.h"
#include "ops/gemm.h"
#include "parallel/available.h"
#include "program/blas_core.h"
#include "program/commands.h"
#include "spectra/engines/eigen.h"

#include <hdf5.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

static void row(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void row(const char *name, const char *format, ...)
{
    va_list args;
    printf("%-20s ", name);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static void print_program(void)
{
    row("hesse", "%s", HESSE_VERSION);
    row("commit", "%s", HESSE_GIT_COMMIT);
#ifdef __clang__
    row("compiler", "clang %s", __clang_version__);
#else
    row("compiler", "gcc %s", __VERSION__);
#endif
    row("kernels", "%s", hesse_gemm_level());
}

static void print_libraries(void)
{
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;
    unsigned major, minor, release;
    MPI_Get_library_version(mpi, &length);
    row("MPI", "%.*s", (int)strcspn(mpi, ",\n"), mpi);
    H5get_libversion(&major, &minor, &release);
    row("HDF5", "%u.%u.%u, parallel", major, minor, release);
    row("libyaml", "%s", yaml_get_version_string());
    row("jansson", "%s", JANSSON_VERSION);
}

static void print_blas(void)
{
    const char *core = hesse_blas_core(), *former = hesse_blas_mended();
    if (former)
        row("BLAS core", "%s, mended: OpenBLAS had taken %s", core, former);
    else
        row("BLAS core", "%s", core);
    const int threads = hesse_blas_threads();
    if (threads)
        row("BLAS threads", "%d per rank", threads);
    else
        row("BLAS threads", "unknown");
}

static void print_threads(void)
{
    row("threads for panels", "%d per rank", hesse_threads());
}

static void print_engines(void)
{
    char list[128] = "";
    for (hesse_engine e = HESSE_ENGINE_LAPACK; e <= HESSE_ENGINE_BAND; e++) {
        if (!hesse_engine_exists(e)) continue;
        if (*list) strcat(list, ", ");
        strcat(list, hesse_engine_name(e));
    }
    row("engines", "%s", list);
}

/* Print the first "model name" of /proc/cpuinfo. */
static void print_processor(void)
{
    char line[256], name[256] = "unknown";
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "model name : %255[^\n]", name) == 1) break;
    if (f) fclose(f);
    row("processor", "%s", name);
    row("cores", "%ld", sysconf(_SC_NPROCESSORS_ONLN));
}

static void print_rate(const char *name, double least, double most, const char *unit)
{
    if (least == most)
        row(name, "%.1f %s", most / 1e9, unit);
    else
        row(name, "%.1f to %.1f %s per rank", least / 1e9, most / 1e9, unit);
}

hesse_status hesse_command_info(hesse_team *team, const hesse_options *options)
{
    (void)options;
    hesse_rates mine = {0}, least = {0}, most = {0};
    const int count = sizeof mine / sizeof(double);
    const double available = (double)hesse_team_available(team);
    hesse_status s =
        hesse_agree(team, hesse_rates_measure(&mine, hesse_team_why(team)));
    if (s) return s;
    MPI_Reduce(&mine, &least, count, MPI_DOUBLE, MPI_MIN, 0, MPI_COMM_WORLD);
    MPI_Reduce(&mine, &most, count, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    if (hesse_team_rank(team)) return HESSE_OK;
    hesse_blas_warn();
    const char *flops = "GFLOP/s";
    print_program();
    print_libraries();
    print_blas();
    print_threads();
    print_engines();
    print_processor();
    row("ranks", "%d", hesse_team_size(team));
    row("free memory", "%s per rank", HESSE_BYTES(available));
    print_rate("DGEMM, order 512", least.dgemm, most.dgemm, flops);
    print_rate("products of panels", least.panels, most.panels, flops);
    print_rate("loops of panels", least.elements, most.elements, "G numbers/s");
    print_rate("band to tridiagonal", least.chase, most.chase, flops);
    return HESSE_OK;
}
