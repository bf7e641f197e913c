/* What every pass does with a part of the Hessian: assemble it, show it, decompose and prove
   it, and tell how far things are. */
#include "curvature/dense_inner.h"

#include <math.h>
#include <stdio.h>

void hesse_tell(const hesse_dense *x, const char *phase, double seconds, double more)
{
    const hesse_listener *l = x->options->listener;
    if (l && l->progress && x->all > 0)
        l->progress(l->context, phase, (x->done + seconds) / x->all,
                    x->operations + more);
}

void hesse_tell_solution(const hesse_dense *x, size_t n)
{
    char phase[64];
    snprintf(phase, sizeof phase, "eigenvalues of %zu x %zu", n, n);
    hesse_tell(x, phase, 0, 0);
}

/* All ranks of a group count its operations: together they are done as fast. */
static void tick(void *context, int done, int all)
{
    const hesse_dense *x = context;
    const double part = (double)done / all;
    hesse_tell(x, "assembly", part * x->doing->assembly,
               part * x->doing->work.products);
}

void hesse_finish_task(hesse_dense *x, const hesse_task *t)
{
    x->done += t->assembly + t->eigen;
    x->operations += t->work.products + t->solution;
    hesse_tell(x, "eigenvalues", 0, 0);
}

hesse_status hesse_show_matrix(hesse_dense *x, int share, int block,
                               const hesse_dmat *a, const double *local)
{
    const hesse_listener *l = x->options->listener;
    if (!hesse_shows_matrices(x)) return HESSE_OK;
    hesse_start(&x->times.matrices);
    const hesse_status s = l->matrix(l->context, share, block, a, local);
    hesse_stop(&x->times.matrices);
    return s;
}

/* A block may be zero but for rounding, as that of a key's bias is: softmax does not see
   it. What is left of it need not be symmetric, so the loss, which has the units of the
   Hessian, adds to the scale. docs/math.md, section 5. */
void hesse_judge_defect(const hesse_dense *x, int share, const hesse_sums *sums)
{
    const double scale = sqrt(sums->squares) + 1e-4 * fabs(x->options->loss);
    x->proof[share] = scale > 0 ? x->defect[share] / scale : 0;
}

/* What a solver says knows no names. */
hesse_status hesse_of_block(const char *name, hesse_status status, hesse_why *why)
{
    const hesse_why said = *why;
    return status ? hesse_fail(why, status, "%s: %s", name, said.text) : HESSE_OK;
}

void hesse_free_matrices(const hesse_dense *x, hesse_dmat **a)
{
    for (int s = 0; a && s < hesse_shares_of(x); s++) hesse_dmat_free(a[s]);
}

hesse_watch hesse_watch_of(hesse_dense *x, const hesse_task *task)
{
    x->doing = task;
    return (hesse_watch){.context = x, .tick = tick};
}

void hesse_count_watch(hesse_dense *x, const hesse_watch *watch)
{
    x->times.assembly += watch->panels;
    x->times.exchange += watch->exchange;
}

/* ELPA reads both triangles, and so do a listener and the residuals of eigenvectors. */
static bool reads_lower(const hesse_dense *x)
{
    return x->options->engine != HESSE_ENGINE_ELPA && !x->options->vectors &&
           !hesse_shows_matrices(x);
}

/* Matrices of a part, of every share, assembled by a rank_group. */
hesse_status hesse_assemble_part(hesse_dense *x, const hesse_rank_group *by,
                                 const hesse_task *task, hesse_part part,
                                 hesse_dmat **a)
{
    const hesse_block *first = &x->partition->blocks[part.block];
    const hesse_block *last = first + part.blocks - 1;
    const size_t n = last->first + last->size - first->first;
    hesse_watch watch = hesse_watch_of(x, task);
    hesse_status status = HESSE_OK;
    for (int s = 0; !status && s < hesse_shares_of(x); s++) {
        status = hesse_dmat_new(by->grid, (int)n, &a[s]);
        if (!status) a[s]->lower = reads_lower(x);
    }
    if (status) return status;
    const int count =
        hesse_panel_threads_begin(&x->lanes, part, hesse_keeps_panels(x, task));
    for (int s = 0; s < hesse_shares_of(x); s++) x->tallies[s].all = (hesse_sums){0};
    status = hesse_assemble(by->team, &x->lanes, count, part.blocks, a, x->tallies,
                            x->defect, &watch);
    hesse_count_watch(x, &watch);
    for (int s = 0; s < hesse_shares_of(x); s++)
        hesse_judge_defect(x, s, &x->tallies[s].all);
    return status;
}

/* Eigenvalues of a distributed matrix, proven; the matrix is destroyed. */
hesse_status hesse_solve_part(hesse_dense *x, const hesse_rank_group *by, int share,
                              hesse_dmat *a, const hesse_sums *sums, const char *name,
                              hesse_spectrum **spectrum)
{
    hesse_why *why = hesse_team_why(by->team);
    hesse_start(&x->times.eigenvalues);
    hesse_tell_solution(x, (size_t)a->n);
    hesse_status status = hesse_spectrum_new(a->n, x->options->vectors, spectrum, why);
    if (!status) status = hesse_seal(x, a->n, why);
    status = hesse_agree(by->team, status);
    if (!status)
        status =
            hesse_of_block(name, hesse_eigen(a, x->options->engine, *spectrum), why);
    if (!status) {
        (*spectrum)->check_symmetry = x->proof[share];
        status =
            hesse_agree(by->team, hesse_spectrum_check(*spectrum, sums, name, why));
    }
    hesse_unseal(x);
    hesse_stop(&x->times.eigenvalues);
    return status;
}
