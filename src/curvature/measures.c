/* Measures run after the spectra, beside results that are already there. They may use
   the memory that the plan allows beyond the model and the results. */
#include "curvature/measures.h"

#include "base/units.h"
#include "curvature/cost.h"

#include <math.h>

int hesse_measure_shares(const hesse_kinds *parts, int count)
{
    return parts && count > 0 ? count : 2;
}

hesse_kinds hesse_measure_share(const hesse_kinds *parts, int count, int i)
{
    if (parts && count > 0) return parts[i];
    return i ? HESSE_GAUSS_NEWTON : HESSE_ALL;
}

int hesse_measure_width(const hesse_plan *plan, const hesse_piece *pieces, int count,
                        size_t n, double held, int most)
{
    const double room = plan->memory - plan->base - held;
    int width = hesse_product_width(plan->objective, plan->ranks, most);
    for (; width > 0; width /= 2) {
        const hesse_bundle bundle = {pieces, count, width};
        const double bytes =
            hesse_product_bytes(plan->objective, plan->ranks, &bundle, 1);
        if (isinf(bytes)) return 0; /* this rank has no memory; all ranks fail then */
        if (bytes + 2.0 * (double)n * width * (double)sizeof(double) <= room) break;
    }
    return width;
}

hesse_status hesse_measure_allow(const char *what, double products, double allowed,
                                 hesse_why *why)
{
    if (!(allowed > 0) || products <= allowed) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB,
                      "%s takes up to %.0f products with vectors, and at most %.0f are "
                      "allowed",
                      what, products, allowed);
}

const double *hesse_measure_top(const hesse_analysis *x, hesse_kinds kinds, int block,
                                int *count)
{
    const hesse_plan *plan = hesse_analysis_plan(x);
    *count = 0;
    for (int i = 0; i < hesse_analysis_shares(x); i++) {
        if (hesse_analysis_kinds(x, i) != kinds) continue;
        const hesse_spectrum *s = hesse_analysis_spectrum(x, i, block);
        const hesse_extremes *e = hesse_analysis_extremes(x, i, block);
        if (!s && !e) return NULL;
        const int kept = s ? s->vectors : e->vectors;
        const size_t n = s ? (size_t)s->n : e->n;
        int top = plan->options.vectors;
        if (!s && top > plan->matrix_free.estimates.extreme.pairs)
            top = plan->matrix_free.estimates.extreme.pairs;
        *count = top < kept ? top : kept;
        if (!*count) return NULL;
        return (s ? s->eigenvectors : e->eigenvectors) + (size_t)(kept - *count) * n;
    }
    return NULL;
}

hesse_status hesse_measure_report(const hesse_run_options *run, const char *phase,
                                  double operations, hesse_why *why)
{
    const hesse_listener *l = run->listener;
    if (l && l->progress) l->progress(l->context, phase, 1, operations);
    return hesse_checkpoint_continue(run->checkpoint, why);
}

double hesse_measure_seconds(const hesse_plan *plan, const hesse_rates *rates,
                             hesse_work work, int width)
{
    if (!rates) return 0;
    return hesse_cost_products(rates, work) /
           hesse_product_sharing(plan->objective, plan->ranks, width);
}
