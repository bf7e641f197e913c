#include "model/batch.h"

#include <stdlib.h>

double hesse_batch_targets(const hesse_batch *batch)
{
    double count = 0;
    for (int i = 0; i < batch->sequences * batch->labels; i++)
        count += batch->target[i] >= 0;
    return count;
}

void hesse_batch_free(hesse_batch *batch)
{
    if (!batch) return;
    free(batch->input);
    free(batch->x);
    free(batch->target);
    free(batch->wanted);
    *batch = (hesse_batch){0};
}
