/* Lists of parameters, whoever makes them. */
#include "network/params.h"

#include "base/random.h"
#include "network/families/families.h"
#include "network/families/transformer.h"

#include <limits.h>
#include <stdlib.h>

static hesse_status too_large(hesse_params *params, const hesse_param *p,
                              hesse_why *why)
{
    const hesse_status s = hesse_fail(
        why, HESSE_E_NOMEM, "model: '%s' has %zu elements, expected at most 2^31 - 1",
        p->name, hesse_param_size(p));
    hesse_params_free(params);
    return s;
}

hesse_status hesse_params_new(const hesse_arch *arch, hesse_params *params,
                              hesse_why *why)
{
    hesse_params buffers = {0};
    *params = (hesse_params){0};
    const hesse_status s = hesse_family_is_table(arch->family)
                               ? hesse_transformer_params(arch, params, why)
                               : hesse_family_list(arch, params, &buffers, why);
    hesse_params_free(&buffers);
    for (const hesse_param *p = params->list; p < params->list + params->count; p++)
        if (!s && hesse_param_size(p) > INT_MAX) return too_large(params, p, why);
    return s;
}

hesse_status hesse_buffers_new(const hesse_arch *arch, hesse_params *buffers,
                               hesse_why *why)
{
    hesse_params params = {0};
    *buffers = (hesse_params){0};
    if (hesse_family_is_table(arch->family)) return HESSE_OK;
    const hesse_status s = hesse_family_list(arch, &params, buffers, why);
    hesse_params_free(&params);
    return s;
}

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
