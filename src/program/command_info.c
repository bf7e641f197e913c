/* This prints everything that a report of a problem, or of a run time, should have:
   versions, the machine, and the speed of every rank while all of them work. */
#include "base/units.h"
#include "curvature/rates.h"
#include "parallel/available.h"
#include "parallel/network.h"
#include "program/blas_core.h"
#include "program/commands.h"
#include "program/facts.h"
#include "program/notes.h"
#include "spectra/engines/eigen.h"

#include <string.h>
#include <unistd.h>

static void add_blas(hesse_json *j)
{
    const char *core = hesse_blas_core(), *former = hesse_blas_mended();
    if (former)
        hesse_fact(j, "BLAS core", NULL, "%s, mended: OpenBLAS had taken %s", core,
                   former);
    else
        hesse_fact(j, "BLAS core", NULL, "%s", core);
    const int threads = hesse_blas_threads();
    if (threads)
        hesse_fact(j, "BLAS threads", json_integer(threads), "%d per rank", threads);
    else
        hesse_fact(j, "BLAS threads", json_null(), "unknown");
    hesse_fact(j, "threads for panels", json_integer(hesse_threads()), "%d per rank",
               hesse_threads());
}

static void add_engines(hesse_json *j)
{
    char text[128] = "";
    json_t *list = json_array();
    for (hesse_engine e = HESSE_ENGINE_LAPACK; e < HESSE_ENGINES; e++) {
        if (!hesse_engine_exists(e)) continue;
        if (*text) strcat(text, ", ");
        strcat(text, hesse_engine_name(e));
        json_array_append_new(list, json_string(hesse_engine_name(e)));
    }
    hesse_fact(j, "engines", list, "%s", text);
}

/* The first "model name" of /proc/cpuinfo. */
static void add_processor(hesse_json *j)
{
    char line[256], name[256] = "unknown";
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "model name : %255[^\n]", name) == 1) break;
    if (f) fclose(f);
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    hesse_fact(j, "processor", NULL, "%s", name);
    hesse_fact(j, "cores", json_integer(cores), "%ld", cores);
}

/* A rate of the slowest and of the fastest rank; in JSON without the prefix G. */
static void add_rate(hesse_json *j, const char *name, double least, double most,
                     const char *unit)
{
    json_t *value = json_pack("{sf, sf, ss}", "least", least, "most", most, "units",
                              *unit == 'G' ? unit + 1 + (unit[1] == ' ') : unit);
    if (least == most)
        hesse_fact(j, name, value, "%.1f %s", most / 1e9, unit);
    else
        hesse_fact(j, name, value, "%.1f to %.1f %s per rank", least / 1e9, most / 1e9,
                   unit);
}

static void add_all(hesse_json *j, int ranks, double available,
                    const hesse_rates *least, const hesse_rates *most)
{
    const char *flops = "GFLOP/s";
    if (!j) hesse_fact(j, "hesse", NULL, "%s", HESSE_VERSION);
    hesse_facts_of_program(j);
    add_blas(j);
    add_engines(j);
    add_processor(j);
    hesse_fact(j, "ranks", json_integer(ranks), "%d", ranks);
    hesse_fact(j, "free memory", hesse_json_number(available), "%s per rank",
               HESSE_BYTES(available));
    add_rate(j, "DGEMM, order 512", least->dgemm, most->dgemm, flops);
    add_rate(j, "products of panels", least->panels, most->panels, flops);
    add_rate(j, "loops of panels", least->elements, most->elements, "G numbers/s");
    add_rate(j, "band to tridiagonal", least->chase, most->chase, flops);
    if (ranks == 1) return;
    hesse_fact(j, "bandwidth", hesse_json_number(most->bandwidth), "%.0f MB/s per rank",
               most->bandwidth / 1e6);
    hesse_fact(j, "latency", hesse_json_number(most->latency), "%.1f us",
               1e6 * most->latency);
}

hesse_status hesse_command_info(hesse_team *team, const hesse_options *options)
{
    hesse_rates mine = {0}, least = {0}, most = {0};
    const int count = sizeof mine / sizeof(double), ranks = hesse_team_size(team);
    const double available = (double)hesse_team_available(team);
    hesse_status s =
        hesse_agree(team, hesse_rates_measure(&mine, hesse_team_why(team)));
    if (!s && ranks > 1)
        s = hesse_network_measure(team, &mine.bandwidth, &mine.latency);
    if (s) return s;
    MPI_Reduce(&mine, &least, count, MPI_DOUBLE, MPI_MIN, 0, MPI_COMM_WORLD);
    MPI_Reduce(&mine, &most, count, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    if (hesse_team_rank(team) == 0) {
        hesse_blas_warn(hesse_notes(options));
        hesse_json json = hesse_json_begin(HESSE_VERSION, "info");
        add_all(options->json ? &json : NULL, ranks, available, &least, &most);
        s = hesse_json_end(&json, options->json ? stdout : NULL, hesse_team_why(team));
    }
    return hesse_agree(team, s);
}
