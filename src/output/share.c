/* The results of a share as an analysis hands them over. */
#include "output/result.h"

hesse_status hesse_result_share(hesse_result *result, const hesse_block_table *blocks,
                                const hesse_share_results *share,
                                const hesse_density *density)
{
    const hesse_part_result part = {.name = share->name,
                                    .spectra = share->spectra,
                                    .quadratures = share->quadratures,
                                    .extremes = share->extremes,
                                    .hutchinson = share->hutchinson,
                                    .measures = share->measures,
                                    .orthogonality = share->orthogonality,
                                    .seed = share->seed,
                                    .full = share->full,
                                    .coupling = share->coupling,
                                    .n_distances = share->n_distances,
                                    .distances = share->distances,
                                    .computed = share->computed,
                                    .n_computed = share->n_computed};
    return hesse_result_part(result, blocks, &part, density);
}
