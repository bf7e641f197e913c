#include "model/batch.h"

#include <stdlib.h>

void hesse_batch_free(hesse_batch *batch)
{
    if (!batch) return;
    free(batch->input);
    free(batch->x);
    free(batch->target);
    free(batch->wanted);
    *batch = (hesse_batch){0};
}
