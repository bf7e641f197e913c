/* The checks use the library as `hesse run` does, on a job that is built in, so that an
   installation can be checked without any file of the source. Every check compares two
   ways to a number, or a number with a closed form. */
#include "base/digest.h"
#include "base/memory.h"
#include "base/worst.h"
#include "checkpoint/checkpoint.h"
#include "curvature/analysis.h"
#include "objective/network.h"
#include "output/reader.h"
#include "output/result.h"
#include "output/verify.h"
#include "parallel/team.h"
#include "program/commands.h"
#include "program/laws.h"
#include "program/provenance.h"
#include "spectra/engines/eigen.h"

#include <dirent.h>
#include <errno.h>
#include <float.h>
#include <ftw.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A GPT-2 with 372 parameters that adds numbers. */
static const char JOB[] =
    "model: {family: gpt2, layers: 1, heads: 2, width: 4, context: 18, seed: 1}\n"
    "data: {generator: addition, sequences: 4, seed: 1}\n"
    "hessian: {scope: both, method: exact, panel: 2}\n";

/* The loss of this job, and the trace and the Frobenius norm of its Hessian, as they
   were computed when this check was written. */
static const double KNOWN[] = {2.486920741801124, -281.5286236371072,
                               189.70421335708232};

/* The block that is also estimated, and the order of the matrices with known
   eigenvalues. */
static const char BLOCK[] = "transformer.h.0.attn.c_proj.weight";
enum { ORDER = 96, PROBES = 100, FOLDER = 512 };

typedef struct selftest {
    hesse_team *team;
    hesse_report *report;
    hesse_job *job;
    hesse_problem problem;
    hesse_analysis *analysis;
    char folder[FOLDER];
} selftest;

static void check(const selftest *t, const char *what, double figure, double bound)
{
    hesse_report_check(t->report, what, figure, bound);
}

/* The largest difference of n numbers, relative to the largest one. */
static double difference(int n, const double *found, const double *known)
{
    double worst = 0, largest = 0;
    for (int i = 0; i < n; i++) {
        worst = hesse_worst(worst, fabs(found[i] - known[i]));
        largest = fmax(largest, fabs(known[i]));
    }
    return worst / largest;
}

/* Eigenvalues of the second difference, shifted so that some are negative. */
static double known_eigenvalue(int i)
{
    return 1.5 - 2 * cos((i + 1) * acos(-1) / (ORDER + 1));
}

/* Entry i, j of Q D Q', for these eigenvalues D and the reflection Q = I - 2 v v' with
   a unit vector v. `d` is v' D v. */
static double known_entry(const double *v, double d, int i, int j)
{
    const double a = known_eigenvalue(i), b = known_eigenvalue(j);
    return (i == j ? a : 0) + v[i] * v[j] * (4 * d - 2 * a - 2 * b);
}

/* Collective. Solve the matrix by an engine: on every rank, or on all together. */
static hesse_status solve(const selftest *t, hesse_engine engine,
                          hesse_spectrum *spectrum)
{
    double v[ORDER], d = 0;
    for (int i = 0; i < ORDER; i++) {
        v[i] = sqrt(2.0 * (i + 1) / (ORDER * (ORDER + 1.0)));
        d += v[i] * v[i] * known_eigenvalue(i);
    }
    hesse_why *why = hesse_team_why(t->team);
    hesse_status s = HESSE_OK;
    if (engine == HESSE_ENGINE_LAPACK || engine == HESSE_ENGINE_SMALL) {
        double *a = hesse_alloc((size_t)ORDER * ORDER);
        if (!a) s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for a matrix");
        for (int i = 0; !s && i < ORDER * ORDER; i++)
            a[i] = known_entry(v, d, i % ORDER, i / ORDER);
        if (!s) s = hesse_eigen_local(ORDER, a, engine, spectrum, why);
        free(a);
        return hesse_agree(t->team, s);
    }
    hesse_grid *grid = NULL;
    hesse_dmat *a = NULL;
    s = hesse_grid_new(t->team, &grid);
    if (!s) s = hesse_dmat_new(grid, ORDER, &a);
    for (int j = 0; !s && j < a->col.count; j++)
        for (int i = 0; i < a->row.count; i++)
            a->local[(size_t)j * (size_t)a->row.count + (size_t)i] = known_entry(
                v, d, hesse_axis_global(&a->row, i), hesse_axis_global(&a->col, j));
    if (!s) s = hesse_eigen(a, engine, spectrum);
    hesse_dmat_free(a);
    hesse_grid_free(grid);
    return s;
}

static hesse_status check_engines(const selftest *t)
{
    double known[ORDER];
    hesse_status s = HESSE_OK;
    for (int i = 0; i < ORDER; i++) known[i] = known_eigenvalue(i);
    for (hesse_engine e = HESSE_ENGINE_LAPACK; !s && e < HESSE_ENGINES; e++) {
        char what[80];
        hesse_spectrum *spectrum = NULL;
        if (!hesse_engine_exists(e)) continue;
        s = hesse_agree(
            t->team, hesse_spectrum_new(ORDER, 0, &spectrum, hesse_team_why(t->team)));
        if (!s) s = solve(t, e, spectrum);
        if (!s) {
            const bool other = spectrum->engine != e;
            snprintf(what, sizeof what, "eigenvalues by %s%s%s: closed form",
                     hesse_engine_name(e), other ? ", here " : "",
                     other ? hesse_engine_name(spectrum->engine) : "");
            check(t, what, difference(ORDER, spectrum->eigenvalues, known), 1e-12);
        }
        hesse_spectrum_free(spectrum);
    }
    return s;
}

/* Collective. Open an analysis of the job and run it. */
static hesse_status analyse(const selftest *t, const hesse_run_options *run,
                            hesse_analysis **analysis)
{
    const hesse_analysis_options asked = hesse_job_options(t->job);
    const hesse_status s = hesse_analysis_new(t->problem.objective, &asked, analysis);
    return s ? s : hesse_analysis_run_with(*analysis, run);
}

static const hesse_spectrum *full_spectrum(const hesse_analysis *analysis)
{
    return hesse_analysis_spectrum(analysis, 0, HESSE_FULL_MATRIX);
}

static hesse_status check_spectra(selftest *t)
{
    hesse_status s = analyse(t, &(hesse_run_options){NULL, NULL}, &t->analysis);
    if (s) return s;
    const hesse_measures *full =
        hesse_analysis_measures(t->analysis, 0, HESSE_FULL_MATRIX);
    const double found[] = {hesse_objective_last_loss(t->problem.objective),
                            full->trace, full->frobenius};
    double worst = 0, squares = 0, known = 0;
    for (int i = 0; i < 3; i++)
        worst = hesse_worst(worst, fabs(found[i] - KNOWN[i]) / fabs(KNOWN[i]));
    check(t, "loss, trace and Frobenius norm: known numbers", worst, 1e-9);

    worst = 0;
    for (int b = HESSE_FULL_MATRIX; b < hesse_analysis_blocks(t->analysis); b++) {
        const hesse_spectrum *x = hesse_analysis_spectrum(t->analysis, 0, b);
        const double bound = hesse_check_bound(x->n, x->precision);
        worst = hesse_worst(worst, x->check_trace / bound);
        worst = hesse_worst(worst, x->check_frobenius / bound);
    }
    check(t, "eigenvalues: traces and norms, in units of their bounds", worst, 1);

    const double *coupling = hesse_analysis_coupling(t->analysis, 0);
    const int blocks = hesse_analysis_blocks(t->analysis);
    for (int i = 0; coupling && i < blocks * blocks; i++)
        squares += coupling[i] * coupling[i];
    for (int i = 0; i < full_spectrum(t->analysis)->n; i++)
        known += pow(full_spectrum(t->analysis)->eigenvalues[i], 2);
    check(t, "norms of all pieces of the matrix: its eigenvalues",
          fabs(squares - known) / known, 1e-11);
    return HESSE_OK;
}

/* With as many steps as the order, the nodes are eigenvalues. */
static hesse_status check_nodes(const selftest *t)
{
    const char *const only[] = {BLOCK};
    int block = 0;
    while (strcmp(hesse_analysis_block_name(t->analysis, block), BLOCK) != 0) block++;
    const hesse_spectrum *exact = hesse_analysis_spectrum(t->analysis, 0, block);
    const hesse_lanczos_options asked = {
        .only = only, .n_only = 1, .settings = {.steps = exact->n, .probes = 2}};
    hesse_quadrature *q = NULL;
    const hesse_status s = hesse_lanczos(t->problem.objective, &asked, &q);
    if (s) return s;
    double worst = 0, norm = 0;
    for (int i = 0; i < exact->n; i++) norm = fmax(norm, fabs(exact->eigenvalues[i]));
    for (int i = 0; i < q->probes * q->steps; i++) {
        double nearest = INFINITY;
        if (q->weights[i] < 1e-6) continue;
        for (int k = 0; k < exact->n; k++)
            nearest = fmin(nearest, fabs(q->nodes[i] - exact->eigenvalues[k]));
        worst = hesse_worst(worst, nearest / norm);
    }
    check(t, "Lanczos nodes of a block: its eigenvalues", worst, 1e-9);
    hesse_quadrature_free(q);
    return s;
}

/* The estimate is random, with a fixed seed, so that its error is known in units of its
   own standard error alone. */
static hesse_status check_moments(const selftest *t)
{
    const hesse_lanczos_options asked = {.settings = {.steps = 12, .probes = PROBES}};
    hesse_quadrature *q = NULL;
    const hesse_status s = hesse_lanczos(t->problem.objective, &asked, &q);
    if (s) return s;
    double worst = 0;
    for (int power = 1; power <= 2; power++) {
        double estimate, error, exact = 0;
        for (int i = 0; i < full_spectrum(t->analysis)->n; i++)
            exact += pow(full_spectrum(t->analysis)->eigenvalues[i], power);
        hesse_quadrature_moment(q, power, &estimate, &error);
        worst = hesse_worst(worst, fabs(estimate - exact) / error);
    }
    check(t, "Lanczos trace and norm: exact ones, in standard errors", worst, 4);
    hesse_quadrature_free(q);
    return s;
}

static const char *name_of(const selftest *t, const char *file, char path[FOLDER + 32])
{
    snprintf(path, FOLDER + 32, "%s/%s", t->folder, file);
    return path;
}

/* Collective. Write the result file as `hesse run` does. */
static hesse_status write_result(const selftest *t, const char *path)
{
    const hesse_phases phases = {0};
    const bool first = hesse_team_rank(t->team) == 0;
    hesse_resume resume = {.path = path};
    hesse_result *result = NULL;
    hesse_provenance *p = hesse_calloc(1, sizeof *p);
    hesse_status s = p ? HESSE_OK
                       : hesse_fail(hesse_team_why(t->team), HESSE_E_NOMEM,
                                    "out of memory for the attributes of a file");
    if (!s && first)
        s = hesse_identity_of(t->job, &t->problem, HESSE_IDENTITY_RUN, &resume.identity,
                              hesse_team_why(t->team));
    s = hesse_agree(t->team, s);
    if (!s) s = hesse_result_new(t->team, path, NULL, &result);
    if (!s)
        s = hesse_result_model(result, "", hesse_network_params(t->problem.network),
                               hesse_analysis_table(t->analysis),
                               hesse_analysis_gradient(t->analysis));
    if (!s)
        s = hesse_result_share(result, "", hesse_analysis_table(t->analysis),
                               hesse_analysis_results(t->analysis, 0),
                               hesse_analysis_density(t->analysis));
    if (!s) {
        hesse_provenance_of(t->analysis, &t->problem, t->job, &phases, &resume, 0,
                            first, p);
        s = hesse_result_finish(result, p->list, p->count);
        result = NULL;
    }
    hesse_result_drop(result);
    hesse_identity_free(&resume.identity);
    free(p);
    return s;
}

/* Local. Read the eigenvalues of the file. */
static hesse_status read_back(const char *path, int n, double *eigenvalues,
                              hesse_why *why)
{
    hesse_reader r;
    hesse_status s = hesse_reader_open(path, &r, why);
    if (s) return s;
    double *read = hesse_reader_column(&r, "spectra/full/eigenvalues",
                                       H5T_NATIVE_DOUBLE, (size_t)n);
    if (read) memcpy(eigenvalues, read, (size_t)n * sizeof *read);
    free(read);
    H5Fclose(r.file);
    return r.status;
}

/* Local. Change one byte in the middle of a file. */
static hesse_status damage(const char *path, hesse_why *why)
{
    FILE *f = fopen(path, "r+b");
    bool good = f && !fseek(f, 0, SEEK_END);
    const long middle = good ? ftell(f) / 2 : 0;
    good = good && !fseek(f, middle, SEEK_SET);
    const int byte = good ? getc(f) : EOF;
    good = byte != EOF && !fseek(f, middle, SEEK_SET) && putc(byte ^ 1, f) != EOF;
    if (f && fclose(f)) good = false;
    return good ? HESSE_OK
                : hesse_fail(why, HESSE_E_OUTPUT, "%s: %s", path, strerror(errno));
}

static hesse_status check_file(const selftest *t)
{
    char path[FOLDER + 32];
    const hesse_spectrum *full = full_spectrum(t->analysis);
    const int n = full->n;
    hesse_why *why = hesse_team_why(t->team), found;
    double *read = hesse_calloc((size_t)n, sizeof *read), missed = 0;
    hesse_status s =
        read ? HESSE_OK
             : hesse_fail(why, HESSE_E_NOMEM, "out of memory for a spectrum");
    s = hesse_agree(t->team, s);
    name_of(t, "result.h5", path);
    if (!s) s = write_result(t, path);
    if (!s && hesse_team_rank(t->team) == 0) {
        s = hesse_result_verify(path, NULL, why);
        if (!s) s = read_back(path, n, read, why);
        if (!s) s = damage(path, why);
        if (!s) missed = hesse_result_verify(path, NULL, &found) != HESSE_E_INPUT;
    }
    s = hesse_agree(t->team, s);
    if (!s) hesse_team_broadcast(t->team, 0, read, (size_t)n * sizeof *read);
    if (!s) {
        check(t, "result file: eigenvalues as they were written",
              difference(n, read, full->eigenvalues), 0);
        check(t, "result file: one changed byte is found", missed, 0);
    }
    free(read);
    return s;
}

/* A run that stops itself after its first panels, as if a signal had come to a rank. */
static void stop(void *context, const char *phase, double part, double operations)
{
    hesse_signals *signals = context;
    (void)phase, (void)operations;
    if (part > 0) signals->caught = SIGUSR1;
}

static int is_part_file(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".part") == 0;
}

/* Local. The number of part files in a folder. When a checkpoint is open, the files
   that it cannot use are gone. */
static int part_files(const char *folder)
{
    struct dirent **list = NULL;
    const int count = scandir(folder, &list, is_part_file, NULL);
    for (int i = 0; i < count; i++) free(list[i]);
    free(list);
    return count;
}

/* Collective. Run the job with a checkpoint, and end it early if it is the first run.

   files  [out]  the part files that the run begins with. */
static hesse_status run_checked(const selftest *t, bool first, int *files,
                                hesse_analysis **analysis)
{
    static const char manifest[] = "{\"job\": {}, \"inputs\": {}}";
    char path[FOLDER + 32], identity[HESSE_DIGEST_LENGTH];
    hesse_signals signals = {0};
    hesse_checkpoint *c = NULL;
    const hesse_listener listener = {.context = &signals, .progress = stop};
    name_of(t, "parts", path);
    hesse_digest(manifest, strlen(manifest), identity);
    hesse_status s = hesse_checkpoint_lock(t->team, path, "selftest", &signals, &c);
    if (!s) s = hesse_checkpoint_open(c, manifest, identity, 0, first);
    *files = s ? 0 : part_files(path);
    const hesse_run_options run = {first ? &listener : NULL, c};
    if (!s) s = analyse(t, &run, analysis);
    return hesse_checkpoint_close(c, s, false);
}

static hesse_status check_resume(const selftest *t)
{
    hesse_analysis *begun = NULL, *ended = NULL;
    int files = 0;
    hesse_status s = run_checked(t, true, &files, &begun);
    const bool stopped = s == HESSE_E_STOPPED;
    if (!s || stopped) s = run_checked(t, false, &files, &ended);
    if (!s) {
        const hesse_spectrum *one = full_spectrum(t->analysis),
                             *two = full_spectrum(ended);
        check(t, "stopped run: it stops, and its part files are used",
              stopped && files > 0 ? 0 : 1, 0);
        check(t, "stopped run: eigenvalues after its continuation",
              difference(one->n, two->eigenvalues, one->eigenvalues), 1e-12);
    }
    hesse_analysis_free(begun);
    hesse_analysis_free(ended);
    return s;
}

/* Collective. Make a folder that all ranks see. */
static hesse_status make_folder(selftest *t)
{
    hesse_why *why = hesse_team_why(t->team);
    const char *place = getenv("TMPDIR");
    hesse_status s = HESSE_OK;
    if (hesse_team_rank(t->team) == 0) {
        const int length =
            snprintf(t->folder, sizeof t->folder, "%s/hesse-selftest-XXXXXX",
                     place && *place ? place : "/tmp");
        if ((size_t)length >= sizeof t->folder) errno = ENAMETOOLONG;
        if ((size_t)length >= sizeof t->folder || !mkdtemp(t->folder)) {
            s = hesse_fail(why, HESSE_E_OUTPUT,
                           "%s: cannot be made: %s; TMPDIR names another place",
                           t->folder, strerror(errno));
            t->folder[0] = '\0';
        }
    }
    s = hesse_agree(t->team, s);
    if (s) return s;
    hesse_team_broadcast(t->team, 0, t->folder, sizeof t->folder);
    struct stat info;
    if (stat(t->folder, &info))
        s = hesse_fail(why, HESSE_E_OUTPUT,
                       "%s: not found on rank %d, expected a folder that all ranks "
                       "share; TMPDIR names another place",
                       t->folder, hesse_team_rank(t->team));
    return hesse_agree(t->team, s);
}

static int remove_one(const char *path, const struct stat *info, int kind,
                      struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

static void remove_folder(const selftest *t)
{
    if (hesse_team_rank(t->team) == 0 && *t->folder)
        nftw(t->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

hesse_status hesse_command_selftest(hesse_team *team, const hesse_options *options)
{
    hesse_report report = hesse_report_begin(team, options);
    selftest t = {.team = team, .report = &report};
    const hesse_told told = {0};
    hesse_status s = hesse_job_parse(JOB, sizeof JOB - 1, "selftest", NULL, &told,
                                     &t.job, hesse_team_why(team));
    s = hesse_agree(team, s);
    if (!s) s = make_folder(&t);
    if (!s) s = hesse_open_problem(team, t.job, false, &t.problem);
    if (!s) s = hesse_laws_check(&report, t.job, &t.problem);
    if (!s) s = check_engines(&t);
    if (!s) s = check_spectra(&t);
    if (!s) s = check_nodes(&t);
    if (!s) s = check_moments(&t);
    if (!s) s = check_file(&t);
    if (!s) s = check_resume(&t);
    remove_folder(&t);
    const int checks = report.checks;
    const bool passed = !s && !report.failed;
    if (passed) hesse_report_line(&report, "selftest: all %d checks passed", checks);
    s = hesse_report_end(&report, s);
    hesse_analysis_free(t.analysis);
    hesse_problem_free(&t.problem);
    hesse_job_free(t.job);
    return s;
}
