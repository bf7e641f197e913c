/* Two tables: numbers that every block has, and all other datasets. A path is stripped to
   the key of a table: of parts/PART/, and of what is before the last two levels of a
   spectrum. */
#include "output/schema.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum axis {
    NONE,
    PROBE,
    STEP,
    BLOCK,
    TENSOR,
    PARAMETER,
    GRID,
    RANK,
    VECTOR,
    PAIR,
    COORDINATE,
    ROW,
    COLUMN,
    PROCESS
};

static const hesse_axis_name AXES[] = {
    [NONE] = {NULL, NULL},
    [BLOCK] = {"block", "/blocks/name"},
    [TENSOR] = {"tensor", "/parameters/name"},
    [PARAMETER] = {"parameter", "/parameter"},
    [GRID] = {"eigenvalue", "grid"},
    [RANK] = {"rank", NULL},
    [VECTOR] = {"eigenvector", NULL},
    [PAIR] = {"eigenpair", NULL},
    [COORDINATE] = {"coordinate", NULL},
    [ROW] = {"row", NULL},
    [COLUMN] = {"column", NULL},
    [PROCESS] = {"mpi_rank", NULL},
    [PROBE] = {"probe", NULL},
    [STEP] = {"step", NULL},
};

static const char HESSIAN[] = "loss / parameter^2", GRADIENT[] = "loss / parameter";

typedef enum source { MEASURES, SPECTRUM, ERRORS } source;

static const struct column {
    const char *name, *units, *description;
    source source;
    size_t offset; /* in it */
} COLUMNS[HESSE_COLUMNS] = {
    {"trace", HESSIAN, "sum of the diagonal", MEASURES,
     offsetof(hesse_measures, trace)},
    {"frobenius", HESSIAN, "Frobenius norm", MEASURES,
     offsetof(hesse_measures, frobenius)},
    {"min", HESSIAN, "smallest eigenvalue", MEASURES, offsetof(hesse_measures, min)},
    {"max", HESSIAN, "largest eigenvalue", MEASURES, offsetof(hesse_measures, max)},
    {"condition", "1", "largest over smallest |eigenvalue| above the noise floor",
     MEASURES, offsetof(hesse_measures, condition)},
    {"negative_mass", "1",
     "sum of |negative eigenvalues| over sum of |eigenvalues|, above the noise floor",
     MEASURES, offsetof(hesse_measures, negative_mass)},
    {"effective_rank", "1", "exp of the entropy of |eigenvalue| / sum of |eigenvalues|",
     MEASURES, offsetof(hesse_measures, effective_rank)},
    {"trace_per_parameter", HESSIAN, "trace / size", MEASURES,
     offsetof(hesse_measures, trace_per_parameter)},
    {"gradient_norm", GRADIENT, "2-norm of the block's entries of the gradient",
     MEASURES, offsetof(hesse_measures, gradient_norm)},
    {"dominance", "1", "sum of |H_ii| over sum of |H_ij|: 1 for a diagonal matrix",
     MEASURES, offsetof(hesse_measures, dominance)},
    {"noise_floor", HESSIAN,
     "n eps max |eigenvalue|: eigenvalues closer to 0 than this are rounding", MEASURES,
     offsetof(hesse_measures, noise_floor)},
    {"trace_error", HESSIAN, "standard error of the trace over probes; 0: it is exact",
     ERRORS, offsetof(hesse_errors, trace)},
    {"frobenius_error", HESSIAN,
     "standard error of the Frobenius norm over probes; 0: it is exact", ERRORS,
     offsetof(hesse_errors, frobenius)},
    {"proof_trace", "1", "|sum of eigenvalues - trace| / Frobenius norm", SPECTRUM,
     offsetof(hesse_spectrum, proof_trace)},
    {"proof_frobenius", "1",
     "|sum of squared eigenvalues - Frobenius norm^2| / Frobenius norm^2", SPECTRUM,
     offsetof(hesse_spectrum, proof_frobenius)},
    {"proof_symmetry", "1",
     "largest defect of entries seen twice (H_ij against H_ji, and against a sample "
     "computed another way) / (Frobenius norm + |loss| / 10^4)",
     SPECTRUM, offsetof(hesse_spectrum, proof_symmetry)},
    {"seconds", "s", "wall time of assembly and solution, or of the quadrature", ERRORS,
     offsetof(hesse_errors, seconds)},
};

const char *hesse_schema_column(int i)
{
    return i < HESSE_COLUMNS ? COLUMNS[i].name : NULL;
}

hesse_errors hesse_schema_errors(const hesse_spectrum *spectrum,
                                 const hesse_quadrature *quadrature)
{
    hesse_errors e = {0};
    double trace, squares, error;
    if (!quadrature) {
        e.seconds = spectrum->seconds;
        return e;
    }
    hesse_quadrature_moment(quadrature, 1, &trace, &e.trace);
    hesse_quadrature_moment(quadrature, 2, &squares, &error);
    e.frobenius = squares > 0 ? error / (2 * sqrt(squares)) : error;
    e.seconds = quadrature->seconds;
    return e;
}

double hesse_schema_value(int i, const hesse_spectrum *spectrum,
                          const hesse_measures *measures, const hesse_errors *errors)
{
    const void *const from[] = {
        [MEASURES] = measures, [SPECTRUM] = spectrum, [ERRORS] = errors};
    const void *holder = from[COLUMNS[i].source];
    double value = NAN;
    if (holder) memcpy(&value, (const char *)holder + COLUMNS[i].offset, sizeof value);
    return value;
}

static const struct entry {
    const char *key, *units;
    const char *scaled; /* units with scaled eigenvalues; NULL: the same */
    enum axis first, second;
    const char *description;
} SETS[] = {
    {"parameters/name", "1", NULL, NONE, NONE, "name of the parameter"},
    {"parameters/tensor", "1", NULL, TENSOR, NONE,
     "the checkpoint's tensor that holds it"},
    {"parameters/shape", "1", NULL, TENSOR, NONE,
     "rows and columns, row-major as the checkpoint stores it; a vector has one row"},
    {"parameters/offset", "1", NULL, TENSOR, NONE,
     "place of its first element in the parameter vector"},
    {"parameters/size", "1", NULL, TENSOR, NONE, "number of elements"},
    {"parameter", "1", NULL, NONE, NONE,
     "index of a coordinate of the gradient and of full matrices, from 0"},
    {"gradient", GRADIENT, NULL, PARAMETER, NONE,
     "gradient of the loss, block by block in the order of blocks/name"},
    {"ranks/busy_predicted", "s", NULL, PROCESS, NONE,
     "wall time predicted for a rank's part of the schedule"},
    {"ranks/busy", "s", NULL, PROCESS, NONE,
     "assembly, exchange, eigenvalues and quadratures"},
    {"ranks/assembly", "s", NULL, PROCESS, NONE, "computing panels"},
    {"ranks/exchange", "s", NULL, PROCESS, NONE,
     "bringing panels to their owners, waiting for them included"},
    {"ranks/eigenvalues", "s", NULL, PROCESS, NONE,
     "solving and proving, waiting for ranks of the same group included"},
    {"ranks/lanczos", "s", NULL, PROCESS, NONE,
     "quadratures of matrices that were not formed"},
    {"ranks/matrices", "s", NULL, PROCESS, NONE, "writing matrices"},
    {"ranks/idle", "s", NULL, PROCESS, NONE,
     "waiting for the other ranks to finish their blocks"},
    {"ranks/memory_peak", "byte", NULL, PROCESS, NONE,
     "most memory of the process, the program and its libraries included"},
    {"blocks/name", "1", NULL, NONE, NONE,
     "name of the block: the axis of everything that blocks have one of"},
    {"blocks/offset", "1", NULL, BLOCK, NONE,
     "place of its first coordinate in the gradient and in full matrices"},
    {"blocks/size", "1", NULL, BLOCK, NONE, "number of coordinates"},
    {"blocks/method", "1", NULL, BLOCK, NONE,
     "how the spectrum was computed; none: it was not"},
    {"blocks/engine", "1", NULL, BLOCK, NONE, "the eigensolver"},
    {"method", "1", NULL, NONE, NONE, "how the spectrum was computed"},
    {"engine", "1", NULL, NONE, NONE, "the eigensolver"},
    {"eigenvalues", HESSIAN, NULL, RANK, NONE, "eigenvalues, ascending"},
    {"eigenvectors", "1", NULL, VECTOR, COORDINATE,
     "eigenvectors of the lowest and then of the highest eigenvalues, ascending; one "
     "a row, of 2-norm 1"},
    {"residuals", HESSIAN, NULL, PAIR, NONE,
     "2-norm of H q - lambda q for every eigenpair"},
    {"extreme_eigenvalues", HESSIAN, NULL, PAIR, NONE,
     "the lowest and then the highest eigenvalues, ascending, each within its "
     "residual"},
    {"diagonal", HESSIAN, NULL, COORDINATE, NONE, "estimate of the diagonal"},
    {"diagonal_error", HESSIAN, NULL, COORDINATE, NONE,
     "standard error of the diagonal over the probes"},
    {"hutchinson/trace", HESSIAN, NULL, NONE, NONE, "mean of z' H z over the probes"},
    {"hutchinson/trace_error", HESSIAN, NULL, NONE, NONE, "its standard error"},
    {"hutchinson/frobenius", HESSIAN, NULL, NONE, NONE,
     "Frobenius norm, by the mean of |H z|^2 over the probes"},
    {"hutchinson/frobenius_error", HESSIAN, NULL, NONE, NONE, "its standard error"},
    {"hutchpp/trace", HESSIAN, NULL, NONE, NONE,
     "the trace within the space of a sketch, and the mean over the probes of the "
     "rest"},
    {"hutchpp/trace_error", HESSIAN, NULL, NONE, NONE, "its standard error"},
    {"hutchpp/frobenius", HESSIAN, NULL, NONE, NONE,
     "Frobenius norm, with the space of the sketch exact"},
    {"hutchpp/frobenius_error", HESSIAN, NULL, NONE, NONE, "its standard error"},
    {"nodes", HESSIAN, NULL, PROBE, STEP,
     "nodes of every probe's Gauss quadrature, ascending: Ritz values"},
    {"weights", "1", NULL, PROBE, STEP,
     "weights of the nodes; those of a probe sum to 1"},
    {"taken", "1", NULL, PROBE, NONE,
     "steps until a probe's Krylov space was used up; later nodes repeat the last, "
     "with "
     "weight 0"},
    {"extreme_bounds", HESSIAN, NULL, PROBE, NONE,
     "bound on the distance of a probe's first and last node from an eigenvalue"},
    {"negative_bounds", "1", NULL, PROBE, NONE,
     "Gauss-Radau bounds of the weight of a probe's measure on eigenvalues below 0"},
    {"density/grid", HESSIAN, "1", NONE, NONE,
     "eigenvalue, over the 10th largest if units are 1"},
    {"density/values", "parameter^2 / loss", "1", GRID, NONE,
     "density of the eigenvalues, Gaussian kernel; its sum times the grid's step is 1"},
    {"density/standard_error", "parameter^2 / loss", "1", GRID, NONE,
     "of the density, over the probes"},
    {"metrics/js", "nat", NULL, BLOCK, BLOCK,
     "Jensen-Shannon divergence of the densities of two blocks, at most ln 2"},
    {"metrics/js_distance", "nat^(1/2)", NULL, BLOCK, BLOCK,
     "square root of the Jensen-Shannon divergence of the densities"},
    {"metrics/js_raw", "nat parameter^2 / loss", "nat", BLOCK, BLOCK,
     "Jensen-Shannon divergence, summed over the grid without its step"},
    {"metrics/js_log", "nat", NULL, BLOCK, BLOCK,
     "Jensen-Shannon divergence of histograms of log(max(eigenvalue, 0) + 1e-12)"},
    {"metrics/wasserstein", HESSIAN, "1", BLOCK, BLOCK,
     "Wasserstein-1 distance of the eigenvalues, as atoms of equal mass"},
    {"metrics/coupling", HESSIAN, NULL, BLOCK, BLOCK,
     "Frobenius norm of the piece of the matrix between two blocks"},
    {"hessian/full", HESSIAN, NULL, PARAMETER, PARAMETER,
     "the full matrix, block by block in the order of blocks/name"},
    {"hessian/blocks/", HESSIAN, NULL, ROW, COLUMN, "the diagonal block of this name"},
};

/* The rest of a path that begins so; NULL for another. */
static const char *after(const char *path, const char *start)
{
    while (*start && *path == *start) path++, start++;
    return *start ? NULL : path;
}

/* Without parts/PART/ before it. */
static const char *in_part(const char *path)
{
    const char *part = after(path, "parts/");
    const char *slash = part ? strchr(part, '/') : NULL;
    return slash ? slash + 1 : path;
}

static const char *key_of(const char *path)
{
    const char *key = in_part(path);
    const char *full = after(key, "spectra/full/");
    const char *block = after(key, "spectra/blocks/");
    if (full) return full;
    if (block && (block = strchr(block, '/'))) return block + 1;
    return after(key, "hessian/blocks/") ? "hessian/blocks/" : key;
}

/* A number of a block, or of the full spectrum. */
static hesse_set column_set(const char *path, const char *key)
{
    const char *of_block = after(key, "blocks/");
    const char *name = of_block ? of_block : key;
    int i = 0;
    while (i < HESSE_COLUMNS && strcmp(COLUMNS[i].name, name) != 0) i++;
    assert(i < HESSE_COLUMNS);
    return (hesse_set){.path = path,
                       .units = COLUMNS[i].units,
                       .description = COLUMNS[i].description,
                       .axes = {AXES[of_block ? BLOCK : NONE], AXES[NONE]}};
}

static hesse_set entry_set(const char *path, const struct entry *e, bool scaled)
{
    return (hesse_set){.path = path,
                       .units = scaled && e->scaled ? e->scaled : e->units,
                       .description = e->description,
                       .axes = {AXES[e->first], AXES[e->second]}};
}

hesse_set hesse_schema_set(const char *path, bool scaled)
{
    const char *key = key_of(path);
    for (size_t i = 0; i < sizeof SETS / sizeof *SETS; i++)
        if (strcmp(SETS[i].key, key) == 0) return entry_set(path, &SETS[i], scaled);
    return column_set(path, key);
}

static const struct group {
    const char *path, *description;
} GROUPS[] = {
    {"parameters", "the parameters of the model, in the order of the parameter vector"},
    {"blocks", "one entry for every diagonal block of the matrix"},
    {"ranks", "what every rank did, and how long"},
    {"spectra", "eigenvalues, and densities of eigenvalues"},
    {"spectra/full", "spectrum and measures of the full matrix"},
    {"spectra/blocks", "a group for every block whose spectrum was computed"},
    {"metrics", "block by block: distances of spectra, norms of off-diagonal pieces"},
    {"hessian", "the matrix itself"},
    {"hessian/blocks", "the diagonal blocks of the matrix"},
    {"parts", "shares of the Hessian; each group repeats the shape of the root"},
};

const char *hesse_schema_group(const char *path)
{
    const char *part = after(path, "parts/"), *key = in_part(path);
    if (part && !strchr(part, '/')) return "a share of the Hessian";
    for (size_t i = 0; i < sizeof GROUPS / sizeof *GROUPS; i++)
        if (strcmp(GROUPS[i].path, key) == 0) return GROUPS[i].description;
    static const struct group inner[] = {
        {"/density", "density of the eigenvalues"},
        {"/hutchinson", "trace and Frobenius norm by Hutchinson's estimators"},
        {"/hutchpp", "trace and Frobenius norm by Hutch++"}};
    const char *last = strrchr(key, '/');
    for (size_t i = 0; last && i < sizeof inner / sizeof *inner; i++)
        if (strcmp(last, inner[i].path) == 0) return inner[i].description;
    return "spectrum of the block of this name";
}
