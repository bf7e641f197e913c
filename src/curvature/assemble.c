/* In a round, rank r computes panel first + r of the part; panels that follow one another
   cost about the same. One exchange takes their patches to the owners, so that no rank
   ever holds more than its share and a panel. Between exchanges no rank talks. */
#include "curvature/assemble.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/worst.h"

#include <math.h>
#include <stdlib.h>

static void put(int n, double *a, const hesse_patch *x)
{
    for (int j = 0; j < x->cols; j++) {
        double *column = a + (size_t)(x->col + j * x->apart) * (size_t)n + x->row;
        for (int i = 0; i < x->rows; i++)
            column[i] = x->values[(size_t)i * x->stride + (size_t)j];
    }
}

void hesse_mirror(int n, double *a)
{
    for (size_t j = 0; j < (size_t)n; j++)
        for (size_t i = j + 1; i < (size_t)n; i++)
            a[i * (size_t)n + j] = a[j * (size_t)n + i];
}

static double asymmetry(int n, const double *a)
{
    double worst = 0;
    for (size_t j = 0; j < (size_t)n; j++)
        for (size_t i = j + 1; i < (size_t)n; i++)
            worst =
                hesse_worst(worst, fabs(a[i * (size_t)n + j] - a[j * (size_t)n + i]));
    return worst;
}

/* Rows and columns spread over the part, the same ones on any number of ranks. */
typedef struct sample {
    int count;
    size_t index[HESSE_SAMPLE];
    double entry[HESSE_SAMPLE * HESSE_SAMPLE];
} sample;

static int least(int a, int b)
{
    return a < b ? a : b;
}

static sample sample_of(hesse_panels *p, int share, int n)
{
    sample x = {.count = least(least(HESSE_SAMPLE, n), hesse_panels_width(p))};
    for (int i = 0; i < x.count; i++) {
        const double place = i + hesse_uniform(0, HESSE_RANDOM_SAMPLES, (uint64_t)i);
        x.index[i] = (size_t)(place / x.count * n);
    }
    hesse_panels_sample(p, share, x.count, x.index, x.entry);
    return x;
}

/* Entry (i, j) of a sample against its mirror image. */
static double sample_asymmetry(const sample *x)
{
    double worst = 0;
    for (int i = 0; i < x->count; i++)
        for (int j = 0; j < i; j++)
            worst = hesse_worst(
                worst, fabs(x->entry[i * x->count + j] - x->entry[j * x->count + i]));
    return worst;
}

/* A sample against those entries of the lower triangle that are here; at gives them. */
static double sample_difference(const sample *x,
                                const double *(*at)(const void *, int, int),
                                const void *matrix)
{
    double worst = 0;
    for (int i = 0; i < x->count; i++)
        for (int j = 0; j <= i; j++) {
            const double *here = at(matrix, (int)x->index[i], (int)x->index[j]);
            if (here)
                worst = hesse_worst(worst, fabs(x->entry[i * x->count + j] - *here));
        }
    return worst;
}

typedef struct square {
    int n;
    const double *a;
} square;

static const double *at_local(const void *matrix, int row, int col)
{
    const square *x = matrix;
    return &x->a[(size_t)col * (size_t)x->n + (size_t)row];
}

/* NULL where another rank owns it. */
static const double *at_distributed(const void *matrix, int row, int col)
{
    const hesse_dmat *x = matrix;
    const int i = hesse_axis_below(&x->row, row), j = hesse_axis_below(&x->col, col);
    const bool mine = hesse_axis_below(&x->row, row + 1) > i &&
                      hesse_axis_below(&x->col, col + 1) > j;
    return mine ? &x->local[(size_t)j * (size_t)x->row.count + (size_t)i] : NULL;
}

void hesse_assemble_local(hesse_panels *panels, int count, int n, double *const *a,
                          hesse_tally *tallies, double *defect,
                          const hesse_ticker *ticker)
{
    const int shares = hesse_panels_shares(panels);
    for (int i = 0; i < count; i++) {
        hesse_panels_compute(panels, i);
        for (int s = 0; s < shares; s++) {
            const hesse_patch *patches;
            const int m = hesse_panels_patches(panels, s, &patches);
            for (int j = 0; j < m; j++) put(n, a[s], &patches[j]);
            hesse_panels_tally(panels, s, &tallies[s]);
        }
        if (ticker) ticker->tick(ticker->context, i + 1, count);
    }
    for (int s = 0; s < shares; s++) {
        if (hesse_panels_one_piece(panels)) {
            defect[s] = asymmetry(n, a[s]);
            continue;
        }
        const sample x = sample_of(panels, s, n);
        const square matrix = {n, a[s]};
        defect[s] =
            hesse_worst(sample_asymmetry(&x), sample_difference(&x, at_local, &matrix));
    }
}

/* Sums of all ranks. */
static void add_up(hesse_team *team, const hesse_panels *panels, int blocks,
                   hesse_tally *tally)
{
    const hesse_part part = hesse_panels_part(panels);
    const size_t numbers = sizeof(hesse_sums) / sizeof(double);
    hesse_team_sum(team, &tally->all.trace, numbers);
    hesse_team_sum(team, &tally->blocks[part.block].trace, numbers * (size_t)blocks);
    if (tally->coupling)
        hesse_team_sum(team, tally->coupling, (size_t)blocks * (size_t)blocks);
}

/* The sample of rank 0 against what every rank owns. */
static double defect_of(hesse_team *team, hesse_panels *panels, int share,
                        const hesse_dmat *a)
{
    sample x = {0};
    if (team->rank == 0) x = sample_of(panels, share, a->n);
    hesse_team_broadcast(team, 0, &x, sizeof x);
    double mine = sample_difference(&x, at_distributed, a), worst;
    if (isnan(mine)) mine = INFINITY; /* MPI_MAX may lose a NaN */
    MPI_Allreduce(&mine, &worst, 1, MPI_DOUBLE, MPI_MAX, team->comm);
    return hesse_worst(worst, sample_asymmetry(&x));
}

hesse_status hesse_assemble(hesse_team *team, hesse_panels *panels, int count,
                            int blocks, hesse_dmat *const *a, hesse_tally *tallies,
                            double *defect, const hesse_ticker *ticker)
{
    const int shares = hesse_panels_shares(panels);
    hesse_status status = HESSE_OK;
    for (int first = 0; !status && first < count; first += team->size) {
        const int mine = first + team->rank;
        if (mine < count) hesse_panels_compute(panels, mine);
        for (int s = 0; !status && s < shares; s++) {
            const hesse_patch *patches = NULL;
            int m = 0;
            if (mine < count) hesse_panels_tally(panels, s, &tallies[s]);
            if (mine < count) m = hesse_panels_patches(panels, s, &patches);
            status = hesse_dmat_put(a[s], patches, m);
        }
        if (ticker)
            ticker->tick(ticker->context, least(first + team->size, count), count);
    }
    for (int s = 0; !status && s < shares; s++) {
        add_up(team, panels, blocks, &tallies[s]);
        defect[s] = defect_of(team, panels, s, a[s]);
    }
    return status;
}
