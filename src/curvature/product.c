/* A sweep moves whole parameters; of those that pieces lie in, everything else stays zero. */
#include "curvature/product.h"

#include "base/memory.h"
#include "model/sweep.h"

#include <stdlib.h>
#include <string.h>

struct hesse_product {
    hesse_model *model;        /* borrowed                                  */
    const hesse_piece *pieces; /* [n_pieces], borrowed                      */
    int n_pieces, k;
    size_t size;      /* coordinates                                        */
    hesse_rect *want; /* of every parameter, the hull of its pieces         */
    hesse_sweep *sweep;
    double *v, *hv; /* of the sweep                                         */
};

/* Local. */
static bool prepare(hesse_product *p)
{
    const hesse_params *params = &p->model->params;
    size_t moving = 0, wanted = 0;
    bool *moves = hesse_calloc((size_t)params->count, sizeof *moves);
    p->want = hesse_calloc((size_t)params->count, sizeof *p->want);
    p->sweep = hesse_sweep_new(p->model->tape, p->k);
    bool there = moves && p->want && p->sweep;
    for (int i = 0; there && i < p->n_pieces; i++) {
        const hesse_piece *x = &p->pieces[i];
        if (!moves[x->param]) moving += hesse_param_size(&params->list[x->param]);
        moves[x->param] = true;
        p->want[x->param] = hesse_hull(p->want[x->param], x->rect);
        p->size += hesse_area(x->rect);
    }
    there = there && hesse_sweep_plan(p->sweep, moves, p->want);
    if (there) {
        wanted = hesse_sweep_rows(p->sweep);
        p->v = hesse_calloc(moving * (size_t)p->k, sizeof *p->v);
        p->hv = hesse_alloc(wanted * (size_t)p->k);
        there = p->v && p->hv;
    }
    free(moves);
    return there;
}

hesse_status hesse_product_new(hesse_model *model, const hesse_piece *pieces,
                               int n_pieces, int k, hesse_product **product)
{
    hesse_product *p = hesse_calloc(1, sizeof *p);
    hesse_status s = HESSE_OK;
    if (p)
        *p = (hesse_product){
            .model = model, .pieces = pieces, .n_pieces = n_pieces, .k = k};
    if (!p || !prepare(p))
        s = hesse_fail(&model->team->why, HESSE_E_NOMEM,
                       "out of memory for products with %d vectors", k);
    s = hesse_agree(model->team, s);
    if (s)
        hesse_product_free(p);
    else
        *product = p;
    return s;
}

void hesse_product_free(hesse_product *p)
{
    if (!p) return;
    hesse_sweep_free(p->sweep);
    free(p->want);
    free(p->v);
    free(p->hv);
    free(p);
}

/* Row r of a piece among the sweep's directions, and among its results. */
static double *direction(const hesse_product *p, const hesse_piece *x, int r)
{
    const size_t cols = (size_t)p->model->params.list[x->param].cols;
    const size_t row = hesse_sweep_direction_of(p->sweep, x->param) +
                       (size_t)(x->rect.row + r) * cols + (size_t)x->rect.col;
    return p->v + row * (size_t)p->k;
}

static const double *result(const hesse_product *p, const hesse_piece *x, int r)
{
    const hesse_rect want = p->want[x->param];
    const size_t row = hesse_sweep_row_of(p->sweep, x->param) +
                       (size_t)(x->rect.row - want.row + r) * (size_t)want.cols +
                       (size_t)(x->rect.col - want.col);
    return p->hv + row * (size_t)p->k;
}

void hesse_product_run(hesse_product *p, hesse_kinds part, const double *v, double *hv)
{
    hesse_team *team = p->model->team;
    const long all = p->model->tokens.sequences;
    const int first = (int)(all * team->rank / team->size);
    const int end = (int)(all * (team->rank + 1) / team->size);
    size_t at = 0;
    for (int i = 0; i < p->n_pieces; i++) {
        const hesse_piece *x = &p->pieces[i];
        const size_t numbers = (size_t)x->rect.cols * (size_t)p->k;
        for (int r = 0; r < x->rect.rows; r++, at += numbers)
            memcpy(direction(p, x, r), v + at, numbers * sizeof *v);
    }
    hesse_sweep_run(p->sweep, &(hesse_directions){.k = p->k, .v = p->v}, first,
                    end - first, 1, &part, &p->hv);
    at = 0;
    for (int i = 0; i < p->n_pieces; i++) {
        const hesse_piece *x = &p->pieces[i];
        const size_t numbers = (size_t)x->rect.cols * (size_t)p->k;
        for (int r = 0; r < x->rect.rows; r++, at += numbers)
            memcpy(hv + at, result(p, x, r), numbers * sizeof *hv);
    }
    hesse_team_sum(team, hv, p->size * (size_t)p->k);
}
