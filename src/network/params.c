/* Lists of parameters and their initial values. */
#include "network/params.h"

#include "base/random.h"
#include <stdlib.h>

void hesse_params_free(hesse_params *params)
{
    if (!params) return;
    free(params->list);
    *params = (hesse_params){0};
}

void hesse_params_init(const hesse_params *params, uint64_t seed, double *theta)
{
    for (const hesse_param *p = params->list; p < params->list + params->count; p++) {
        const hesse_init *init = &p->init;
        for (size_t i = p->offset; i < p->offset + hesse_param_size(p); i++) {
            const double x = init->spread == 0 ? 0
                             : init->uniform
                                 ? 2 * hesse_uniform(seed, HESSE_RANDOM_WEIGHTS, i) - 1
                                 : hesse_normal(seed, HESSE_RANDOM_WEIGHTS, i);
            theta[i] = init->mean + init->spread * x;
        }
    }
}
