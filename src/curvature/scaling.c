/* D has an entry for every parameter of the blocks. It is known before any matrix is
   formed, so that panels and products can be scaled while they are computed. The
   diagonal of a share is therefore computed in a pass of its own, block by block: the
   ranks share the panels, and nothing but the diagonal is kept of them. */
#include "curvature/scaling.h"

#include "base/memory.h"
#include "curvature/panels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *hesse_scaling_name(hesse_scaling_source from)
{
    static const char *const names[] = {[HESSE_SCALING_NONE] = "",
                                        [HESSE_SCALING_MOMENTS] = "exp_avg_sq",
                                        [HESSE_SCALING_DIAGONAL] = "diagonal",
                                        [HESSE_SCALING_GAUSS_NEWTON] = "gauss_newton",
                                        [HESSE_SCALING_GRADIENT] = "gradient"};
    return names[from];
}

/* Add the diagonal entries of the computed panel. */
static void take_diagonal(hesse_panels *p, int i, int share, double *diagonal)
{
    const hesse_patch *patches;
    const int count = hesse_panels_patches(p, i, share, &patches);
    for (int j = 0; j < count; j++) {
        const hesse_patch *x = &patches[j];
        for (int c = 0; c < x->cols; c++) {
            const int column = x->col + c * x->apart, row = column - x->row;
            if (row >= 0 && row < x->rows)
                diagonal[column] = x->values[(size_t)row * x->stride + (size_t)c];
        }
    }
}

/* Local. Compute the diagonal entries of every panel that belongs to this rank. */
static hesse_status compute_diagonals(const hesse_plan *x, hesse_panels *panels,
                                      hesse_checkpoint *checkpoint, double *diagonals,
                                      hesse_why *why)
{
    const hesse_team *team = x->objective->team;
    hesse_status s = HESSE_OK;
    long turn = 0;
    for (int b = 0; !s && b < x->partition.count; b++) {
        const int count = hesse_panels_begin(panels, (hesse_part){b, 1});
        for (int i = 0; !s && i < count; i++) {
            if (turn++ % team->size != team->rank) continue;
            hesse_panels_compute(panels, i);
            for (int share = 0; share < hesse_panels_shares(panels); share++)
                take_diagonal(panels, i, share,
                              diagonals + (size_t)share * x->partition.size +
                                  x->partition.blocks[b].first);
            s = hesse_checkpoint_continue(checkpoint, why);
        }
    }
    return s;
}

/* Collective. Compute the diagonals of some shares.
   diagonals [out]: shares x size of the partition. */
static hesse_status find_diagonals(const hesse_plan *x, int shares,
                                   const hesse_kinds *kinds,
                                   hesse_checkpoint *checkpoint, double *diagonals)
{
    hesse_team *team = x->objective->team;
    const size_t count = (size_t)shares * x->partition.size;
    hesse_panel_options request = x->options.request;
    hesse_panels *panels = NULL;
    request.shares = shares, request.kinds = kinds;
    request.computed = 0, request.scale = NULL;
    request.whole = false;
    hesse_objective_prepare(x->objective, 0, x->objective->tape->sequences);
    hesse_status s =
        hesse_panels_new(x->objective->tape, &x->objective->network->params,
                         &x->partition, &request, &panels, &team->why);
    s = hesse_agree(team, s);
    memset(diagonals, 0, count * sizeof *diagonals);
    if (!s) s = compute_diagonals(x, panels, checkpoint, diagonals, &team->why);
    s = hesse_agree(team, s);
    if (!s) hesse_team_sum(team, diagonals, count);
    hesse_panels_free(panels);
    return s;
}

/* Local. Replace each number s of a share by D^(-1/2) for D = |s|^power + epsilon. */
static hesse_status make_factors(const hesse_plan *x, double *numbers, hesse_why *why)
{
    const hesse_scaling *of = &x->scaling;
    const hesse_param *params = x->objective->network->params.list;
    for (int p = 0; p < x->partition.n_pieces; p++) {
        const hesse_piece *piece = &x->partition.pieces[p];
        const size_t cols = (size_t)piece->rect.cols;
        for (size_t i = 0; i < hesse_area(piece->rect); i++) {
            double *at = &numbers[piece->first + i];
            const double entry = pow(fabs(*at), of->power) + of->epsilon;
            if (!(entry > 0 && isfinite(entry) && isfinite(1 / entry)))
                return hesse_fail(
                    why, HESSE_E_NUMERIC,
                    "%s[%zu, %zu]: the scaling by %s is %g^%g + %g = %g, expected a "
                    "finite number above 0",
                    params[piece->param].name, (size_t)piece->rect.row + i / cols,
                    (size_t)piece->rect.col + i % cols, hesse_scaling_name(of->from),
                    fabs(*at), of->power, of->epsilon, entry);
            *at = 1 / sqrt(entry);
        }
    }
    return HESSE_OK;
}

hesse_status hesse_scaling_find(hesse_plan *x, const double *gradient,
                                hesse_checkpoint *checkpoint)
{
    static const hesse_kinds gauss_newton = HESSE_GAUSS_NEWTON;
    hesse_team *team = x->objective->team;
    const hesse_params *params = &x->objective->network->params;
    const size_t size = x->partition.size;
    const bool own = x->scaling.from == HESSE_SCALING_DIAGONAL;
    const int lists = own ? x->plain : 1;
    double *numbers = hesse_alloc((size_t)lists * size);
    hesse_status s = HESSE_OK;
    if (!numbers)
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for a scaling");
    s = hesse_agree(team, s);
    if (s) return s;
    switch (x->scaling.from) {
    case HESSE_SCALING_MOMENTS:
        hesse_partition_gather(&x->partition, params, x->scaling.values, numbers);
        break;
    case HESSE_SCALING_GRADIENT:
        for (size_t i = 0; i < size; i++) numbers[i] = gradient[i] * gradient[i];
        break;
    default:
        s = find_diagonals(x, lists, own ? x->kinds : &gauss_newton, checkpoint,
                           numbers);
    }
    for (int i = 0; !s && i < lists; i++)
        s = make_factors(x, numbers + (size_t)i * size, &team->why);
    s = hesse_agree(team, s);
    free(x->factor_values);
    x->factor_values = numbers;
    for (int i = 0; i < x->plain; i++)
        x->factors[i] = numbers + (own ? (size_t)i * size : 0);
    return s;
}
