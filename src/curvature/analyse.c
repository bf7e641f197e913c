/* Three passes. Where the whole is wanted, it is assembled first, and blocks are cut out
   of it. Then come the blocks that all ranks do together, then those of single ranks,
   wave by wave: in a wave every rank does its next one. Waves wait for one another only
   where matrices must travel; else every rank runs through its own. At the end the
   owners tell the others what they found. */
#include "curvature/analyse.h"

#include "base/memory.h"
#include "curvature/assemble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All that the passes share. */
typedef struct analysis {
    hesse_team *team;
    const hesse_partition *partition;
    const hesse_schedule *schedule;
    const hesse_inquiry *inquiry;
    hesse_panels *panels;
    hesse_grid *grid;
    hesse_findings *found;    /* [shares] */
    hesse_tally *tallies;     /* [shares] */
    double *defect;           /* [shares]; of the part assembled last, absolute */
    double *proof;            /* [shares]; the same, relative                   */
    hesse_dmat **whole;       /* [shares]; NULL entries where scope is blocks */
    const hesse_task **waves; /* [n_waves][ranks] */
    int n_waves;
    double total, done; /* floating-point operations */
    double doing;       /* of the part in assembly   */
} analysis;

static int shares_of(const analysis *x)
{
    return x->inquiry->request.shares;
}

static void tell(const analysis *x, const char *phase, double more)
{
    const hesse_listener *l = x->inquiry->listener;
    if (l && l->progress) l->progress(l->context, phase, x->done + more, x->total);
}

static void tick(void *context, int done, int all)
{
    const analysis *x = context;
    tell(x, "assembly", x->doing * done / all);
}

static hesse_status show_matrix(const analysis *x, int share, int block,
                                const hesse_dmat *a, const double *local)
{
    const hesse_listener *l = x->inquiry->listener;
    return l && l->matrix ? l->matrix(l->context, share, block, a, local) : HESSE_OK;
}

static bool shows_matrices(const analysis *x)
{
    return x->inquiry->listener && x->inquiry->listener->matrix;
}

/* A block may be zero but for rounding, as that of a key's bias is: softmax does not see
   it. What is left of it need not be symmetric, so the loss, which has the units of the
   Hessian, adds to the scale. docs/math.md, section 5. */
static void judge_defect(const analysis *x, int share, const hesse_sums *sums)
{
    const double scale = sqrt(sums->squares) + 1e-4 * fabs(x->inquiry->loss);
    x->proof[share] = scale > 0 ? x->defect[share] / scale : 0;
}

/* What a solver says knows no names. */
static hesse_status of_block(const char *name, hesse_status status, hesse_why *why)
{
    const hesse_why said = *why;
    return status ? hesse_fail(why, status, "%s: %s", name, said.text) : HESSE_OK;
}

static void free_all(const analysis *x, hesse_dmat **a)
{
    for (int s = 0; a && s < shares_of(x); s++) hesse_dmat_free(a[s]);
}

/* Matrices of a part, of every share, assembled. */
static hesse_status assemble(analysis *x, hesse_part part, hesse_dmat **a)
{
    const hesse_block *first = &x->partition->blocks[part.block];
    const hesse_block *last = first + part.blocks - 1;
    const size_t n = last->first + last->size - first->first;
    hesse_status status = HESSE_OK;
    for (int s = 0; !status && s < shares_of(x); s++)
        status = hesse_dmat_new(x->grid, (int)n, &a[s]);
    if (status) return status;
    const int count = hesse_panels_begin(x->panels, part);
    for (int s = 0; s < shares_of(x); s++) x->tallies[s].all = (hesse_sums){0};
    status = hesse_assemble(x->team, x->panels, count, part.blocks, a, x->tallies,
                            x->defect, &(hesse_ticker){x, tick});
    for (int s = 0; s < shares_of(x); s++) judge_defect(x, s, &x->tallies[s].all);
    return status;
}

/* Eigenvalues of a distributed matrix, proven; the matrix is destroyed. */
static hesse_status solve(const analysis *x, int share, hesse_dmat *a,
                          const hesse_sums *sums, const char *name,
                          hesse_spectrum **spectrum)
{
    hesse_why *why = hesse_team_why(x->team);
    hesse_status status = hesse_agree(
        x->team, hesse_spectrum_new(a->n, x->inquiry->vectors, spectrum, why));
    if (!status)
        status = of_block(name, hesse_eigen(a, x->inquiry->engine, *spectrum), why);
    if (status) return status;
    (*spectrum)->proof_symmetry = x->proof[share];
    return hesse_agree(x->team, hesse_spectrum_prove(*spectrum, sums, name, why));
}

static hesse_status assemble_whole(analysis *x)
{
    const hesse_part all = {0, x->partition->count};
    hesse_status status = assemble(x, all, x->whole);
    for (int s = 0; !status && s < shares_of(x); s++) {
        x->found[s].all = x->tallies[s].all;
        status = show_matrix(x, s, -1, x->whole[s], NULL);
    }
    for (int s = 0; !status && s < shares_of(x); s++)
        for (int i = 0; i < x->partition->count * x->partition->count; i++)
            x->found[s].coupling[i] = sqrt(x->found[s].coupling[i]);
    x->done += x->doing;
    return status;
}

static hesse_status solve_whole(analysis *x)
{
    hesse_status status = HESSE_OK;
    for (int s = 0; !status && s < shares_of(x); s++) {
        const double start = MPI_Wtime();
        tell(x, "eigenvalues", 0);
        status = solve(x, s, x->whole[s], &x->found[s].all, "full", &x->found[s].full);
        if (!status) x->found[s].full->seconds += MPI_Wtime() - start;
        hesse_dmat_free(x->whole[s]);
        x->whole[s] = NULL;
        const double n = (double)x->partition->size;
        x->done += HESSE_SOLVER_WEIGHT * 4.0 / 3 * n * n * n;
    }
    return status;
}

static hesse_status block_together(analysis *x, const hesse_task *task)
{
    const hesse_block *b = &x->partition->blocks[task->block];
    const double start = MPI_Wtime();
    hesse_dmat **a = hesse_calloc((size_t)shares_of(x), sizeof(void *));
    hesse_status status = HESSE_OK;
    if (!a)
        status = hesse_fail(hesse_team_why(x->team), HESSE_E_NOMEM, "out of memory");
    status = hesse_agree(x->team, status);
    x->doing = task->assembly;
    if (!status && !x->whole[0]) status = assemble(x, (hesse_part){task->block, 1}, a);
    for (int s = 0; !status && x->whole[0] && s < shares_of(x); s++)
        status = hesse_dmat_part(x->whole[s], (int)b->first, (int)b->size, &a[s]);
    for (int s = 0; !status && s < shares_of(x); s++) {
        status = show_matrix(x, s, task->block, a[s], NULL);
        if (!status)
            status = solve(x, s, a[s], &x->found[s].sums[task->block], b->name,
                           &x->found[s].spectra[task->block]);
        if (!status)
            x->found[s].spectra[task->block]->seconds =
                (MPI_Wtime() - start) / shares_of(x);
    }
    x->done += task->assembly + HESSE_SOLVER_WEIGHT * task->solution;
    free_all(x, a);
    free(a);
    return status;
}

/* Room for a block of every share on its owner. */
static hesse_status room(const analysis *x, size_t n, double **a)
{
    for (int s = 0; s < shares_of(x); s++)
        if (!(a[s] = hesse_alloc(n * n)))
            return hesse_fail(hesse_team_why(x->team), HESSE_E_NOMEM,
                              "%zu bytes for a block of order %zu are not there",
                              n * n * sizeof(double), n);
    return HESSE_OK;
}

static void assemble_alone(analysis *x, const hesse_task *task, double *const *a)
{
    const int n = (int)x->partition->blocks[task->block].size;
    const int count = hesse_panels_begin(x->panels, (hesse_part){task->block, 1});
    x->doing = task->assembly;
    hesse_assemble_local(x->panels, count, n, a, x->tallies, x->defect,
                         &(hesse_ticker){x, tick});
    for (int s = 0; s < shares_of(x); s++)
        judge_defect(x, s, &x->found[s].sums[task->block]);
}

static hesse_status solve_alone(analysis *x, const hesse_task *task, double *const *a,
                                double start)
{
    const hesse_block *b = &x->partition->blocks[task->block];
    hesse_why *why = hesse_team_why(x->team);
    hesse_status status = HESSE_OK;
    for (int s = 0; !status && s < shares_of(x); s++) {
        hesse_spectrum **spectrum = &x->found[s].spectra[task->block];
        const hesse_sums *sums = &x->found[s].sums[task->block];
        status = hesse_spectrum_new((int)b->size, x->inquiry->vectors, spectrum, why);
        if (!status)
            status = of_block(b->name,
                              hesse_eigen_local((int)b->size, a[s], x->inquiry->engine,
                                                *spectrum, why),
                              why);
        if (status) break;
        (*spectrum)->proof_symmetry = x->proof[s];
        (*spectrum)->seconds = (MPI_Wtime() - start) / shares_of(x);
        status = hesse_spectrum_prove(*spectrum, sums, b->name, why);
    }
    x->done += task->assembly + HESSE_SOLVER_WEIGHT * task->solution;
    return status;
}

/* Who does what in which wave: a rank's tasks, in the order of the schedule. */
static hesse_status make_waves(analysis *x)
{
    const hesse_schedule *s = x->schedule;
    const int ranks = x->team->size;
    int *count = hesse_calloc((size_t)ranks, sizeof *count);
    hesse_status status = HESSE_OK;
    for (int i = s->together; count && i < s->count; i++) {
        const int n = ++count[s->tasks[i].owner];
        x->n_waves = n > x->n_waves ? n : x->n_waves;
    }
    x->waves = hesse_calloc((size_t)x->n_waves * (size_t)ranks, sizeof *x->waves);
    if (count) memset(count, 0, (size_t)ranks * sizeof *count);
    if (!count || !x->waves)
        status = hesse_fail(hesse_team_why(x->team), HESSE_E_NOMEM,
                            "out of memory for a schedule of %d blocks", s->count);
    for (int i = s->together; !status && i < s->count; i++) {
        const int owner = s->tasks[i].owner;
        x->waves[count[owner]++ * ranks + owner] = &s->tasks[i];
    }
    free(count);
    return hesse_agree(x->team, status);
}

/* The task of a rank in a wave; NULL: none left. */
static const hesse_task *task_of(const analysis *x, int rank, int wave)
{
    return x->waves[wave * x->team->size + rank];
}

/* Blocks of this wave, cut out of the whole. */
static hesse_status cut_out(analysis *x, int wave, int share, double *mine)
{
    hesse_gather *list = hesse_calloc((size_t)x->team->size, sizeof *list);
    hesse_status status = HESSE_OK;
    int count = 0;
    if (!list)
        status = hesse_fail(hesse_team_why(x->team), HESSE_E_NOMEM, "out of memory");
    status = hesse_agree(x->team, status);
    for (int r = 0; !status && r < x->team->size; r++) {
        const hesse_task *t = task_of(x, r, wave);
        if (!t) continue;
        const hesse_block *b = &x->partition->blocks[t->block];
        list[count++] = (hesse_gather){(int)b->first, (int)b->size, r,
                                       r == x->team->rank ? mine : NULL};
    }
    if (!status) status = hesse_dmat_gather(x->whole[share], list, count);
    free(list);
    return status;
}

/* The matrices of a wave, one rank's after another's. */
static hesse_status show_wave(const analysis *x, int wave, double *const *mine)
{
    hesse_status status = HESSE_OK;
    for (int r = 0; r < x->team->size; r++) {
        const hesse_task *t = task_of(x, r, wave);
        if (!t) continue;
        const bool own = r == x->team->rank;
        for (int s = 0; !status && s < shares_of(x); s++) {
            if (own) hesse_mirror((int)x->partition->blocks[t->block].size, mine[s]);
            status = show_matrix(x, s, t->block, NULL, own ? mine[s] : NULL);
        }
    }
    return status;
}

/* One block of this rank, or none; collective where matrices travel. */
static hesse_status wave(analysis *x, int number, bool collective)
{
    const hesse_task *t = task_of(x, x->team->rank, number);
    const double start = MPI_Wtime();
    double **a = hesse_calloc((size_t)shares_of(x), sizeof *a);
    hesse_status status = HESSE_OK;
    if (!a)
        status = hesse_fail(hesse_team_why(x->team), HESSE_E_NOMEM, "out of memory");
    if (!status && t) status = room(x, x->partition->blocks[t->block].size, a);
    if (!status && t && !x->whole[0]) assemble_alone(x, t, a);
    if (collective) {
        status = hesse_agree(x->team, status);
        for (int s = 0; !status && x->whole[0] && s < shares_of(x); s++)
            status = cut_out(x, number, s, a[s]);
        if (!status && shows_matrices(x)) status = show_wave(x, number, a);
    }
    if (!status && t) status = solve_alone(x, t, a, start);
    if (collective) status = hesse_agree(x->team, status);
    for (int s = 0; a && s < shares_of(x); s++) free(a[s]);
    free(a);
    return status;
}

static hesse_status blocks_alone(analysis *x)
{
    const bool collective = x->whole[0] || shows_matrices(x);
    hesse_status status = make_waves(x);
    for (int w = 0; !status && w < x->n_waves; w++) status = wave(x, w, collective);
    return hesse_agree(x->team, status);
}

static void send_spectrum(hesse_team *team, int owner, hesse_spectrum *s)
{
    double *const values = s->eigenvalues, *const vectors = s->eigenvectors;
    double *const residuals = s->residuals;
    hesse_team_broadcast(team, owner, s, sizeof *s);
    s->eigenvalues = values, s->eigenvectors = vectors, s->residuals = residuals;
    const size_t n = (size_t)s->n, m = (size_t)s->vectors;
    hesse_team_broadcast(team, owner, values, n * sizeof *values);
    if (m) hesse_team_broadcast(team, owner, vectors, n * m * sizeof *vectors);
    if (m) hesse_team_broadcast(team, owner, residuals, m * sizeof *residuals);
}

static hesse_status tell_all(analysis *x)
{
    hesse_status status = HESSE_OK;
    const hesse_schedule *tasks = x->schedule;
    for (int i = tasks->together; i < tasks->count; i++)
        for (int s = 0; s < shares_of(x); s++) {
            const int block = tasks->tasks[i].block;
            hesse_spectrum **spectrum = &x->found[s].spectra[block];
            if (!status && !*spectrum)
                status = hesse_spectrum_new((int)x->partition->blocks[block].size,
                                            x->inquiry->vectors, spectrum,
                                            hesse_team_why(x->team));
        }
    status = hesse_agree(x->team, status);
    for (int i = tasks->together; !status && i < tasks->count; i++)
        for (int s = 0; s < shares_of(x); s++) {
            const hesse_task *t = &tasks->tasks[i];
            hesse_findings *f = &x->found[s];
            send_spectrum(x->team, t->owner, f->spectra[t->block]);
            hesse_team_broadcast(x->team, t->owner, &f->sums[t->block],
                                 sizeof *f->sums);
        }
    return status;
}

static bool findings_new(const hesse_inquiry *inquiry, int blocks, hesse_findings *f)
{
    const size_t count = (size_t)blocks;
    f->blocks = blocks;
    f->spectra = hesse_calloc(count, sizeof(void *));
    f->sums = hesse_calloc(count, sizeof *f->sums);
    const bool whole = inquiry->scope & HESSE_FULL;
    if (whole) f->coupling = hesse_alloc(count * count);
    return f->spectra && f->sums && (!whole || f->coupling);
}

void hesse_findings_free(hesse_findings *findings, int shares)
{
    for (int s = 0; findings && s < shares; s++) {
        hesse_findings *f = &findings[s];
        for (int b = 0; f->spectra && b < f->blocks; b++)
            hesse_spectrum_free(f->spectra[b]);
        hesse_spectrum_free(f->full);
        free(f->spectra);
        free(f->sums);
        free(f->coupling);
    }
    free(findings);
}

/* Memory for all that lasts. */
static hesse_status prepare(analysis *x, const hesse_tape *tape,
                            const hesse_params *params)
{
    const size_t shares = (size_t)shares_of(x);
    hesse_why *why = hesse_team_why(x->team);
    x->found = hesse_calloc(shares, sizeof *x->found);
    x->tallies = hesse_calloc(shares, sizeof *x->tallies);
    x->defect = hesse_alloc(shares);
    x->proof = hesse_alloc(shares);
    x->whole = hesse_calloc(shares, sizeof(void *));
    bool there = x->found && x->tallies && x->defect && x->proof && x->whole;
    for (size_t s = 0; there && s < shares; s++) {
        there = findings_new(x->inquiry, x->partition->count, &x->found[s]);
        x->tallies[s] =
            (hesse_tally){.blocks = x->found[s].sums, .coupling = x->found[s].coupling};
    }
    hesse_status status = there
                              ? hesse_panels_new(tape, params, x->partition,
                                                 &x->inquiry->request, &x->panels, why)
                              : hesse_fail(why, HESSE_E_NOMEM,
                                           "out of memory for the results of %d blocks",
                                           x->partition->count);
    status = hesse_agree(x->team, status);
    return status ? status : hesse_grid_new(x->team, &x->grid);
}

/* Operations of this rank's way through the schedule, for the progress. */
static void estimate(analysis *x)
{
    const double n = (double)x->partition->size, shares = shares_of(x);
    if (x->inquiry->scope & HESSE_FULL) {
        hesse_panels_begin(x->panels, (hesse_part){0, x->partition->count});
        x->doing = hesse_panels_work(x->panels) / x->team->size;
        x->total += x->doing + shares * HESSE_SOLVER_WEIGHT * 4.0 / 3 * n * n * n;
    }
    for (int i = 0; x->inquiry->scope & HESSE_BLOCKS && i < x->schedule->count; i++) {
        const hesse_task *t = &x->schedule->tasks[i];
        if (t->owner == x->team->rank || t->owner == HESSE_ALL_RANKS)
            x->total += t->assembly + HESSE_SOLVER_WEIGHT * t->solution;
    }
}

hesse_status hesse_analyse(hesse_team *team, const hesse_tape *tape,
                           const hesse_params *params, const hesse_partition *partition,
                           const hesse_schedule *schedule, const hesse_inquiry *inquiry,
                           hesse_findings **findings)
{
    analysis x = {
        .team = team, .partition = partition, .schedule = schedule, .inquiry = inquiry};
    hesse_status status = prepare(&x, tape, params);
    if (!status) estimate(&x);
    const bool whole = inquiry->scope & HESSE_FULL,
               blocks = inquiry->scope & HESSE_BLOCKS;
    if (!status && whole) status = assemble_whole(&x);
    for (int s = 0; !status && whole && s < shares_of(&x); s++)
        x.tallies[s] = (hesse_tally){.blocks = x.found[s].sums};
    for (int i = 0; !status && blocks && i < schedule->together; i++)
        status = block_together(&x, &schedule->tasks[i]);
    if (!status && blocks) status = blocks_alone(&x);
    if (!status && blocks) status = tell_all(&x);
    if (!status && whole) status = solve_whole(&x);

    if (x.whole) free_all(&x, x.whole);
    free(x.waves);
    free(x.whole);
    free(x.proof);
    free(x.defect);
    free(x.tallies);
    hesse_panels_free(x.panels);
    hesse_grid_free(x.grid);
    if (status)
        hesse_findings_free(x.found, shares_of(&x));
    else
        *findings = x.found;
    return status;
}
