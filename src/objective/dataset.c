/* Rank 0 reads the dataset. The batch is plain data, and rank 0 sends it to the others,
   array by array. */
#include "objective/network.h"

#include "base/memory.h"
#include "data/read.h"
#include "parallel/team.h"

#include <stdlib.h>

/* Collective. Rank 0 sends its batch to all ranks. */
static hesse_status tell(hesse_team *team, hesse_batch *batch)
{
    hesse_batch told = *batch;
    hesse_batch_array arrays[HESSE_BATCH_ARRAYS];
    bool there = true;
    hesse_team_broadcast(team, 0, &told, sizeof told);
    if (team->rank) *batch = told;
    hesse_batch_arrays(batch, arrays);
    for (int i = 0; team->rank && i < HESSE_BATCH_ARRAYS; i++) {
        if (!*arrays[i].at)
            continue; /* the address is of rank 0; it only tells that the array exists
                       */
        *arrays[i].at = hesse_calloc(arrays[i].each * (size_t)batch->sequences, 1);
        there &= *arrays[i].at != NULL;
    }
    const hesse_status s = hesse_agree(
        team, there ? HESSE_OK
                    : hesse_fail(&team->why, HESSE_E_NOMEM,
                                 "out of memory for %d examples", batch->sequences));
    for (int i = 0; !s && i < HESSE_BATCH_ARRAYS; i++)
        if (*arrays[i].at)
            hesse_team_broadcast(team, 0, *arrays[i].at,
                                 arrays[i].each * (size_t)batch->sequences);
    return s;
}

hesse_status hesse_dataset_open(hesse_team *team, const hesse_data_options *options,
                                const hesse_data_needs *needs, hesse_dataset **dataset)
{
    if (!team) return HESSE_E_JOB;
    hesse_dataset *d = hesse_calloc(1, sizeof *d);
    hesse_status s = HESSE_OK;
    if (dataset) *dataset = NULL;
    if (!options || !needs || !dataset)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "a dataset needs options, the needs of a network and a place");
    else if (!d)
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for a dataset");
    if (!s && team->rank == 0) s = hesse_data_read(options, needs, &d->all, &team->why);
    s = hesse_agree(team, s);
    if (!s) s = tell(team, &d->all);
    if (s)
        hesse_dataset_free(d);
    else
        *dataset = d;
    return s;
}

hesse_status hesse_dataset_split(hesse_dataset *d, int count, hesse_dataset **rest,
                                 hesse_why *why)
{
    const int all = d ? d->all.sequences : 0;
    if (rest) *rest = NULL;
    if (!rest || count < 1 || count >= all)
        return hesse_fail(
            why, HESSE_E_JOB,
            "%d examples are taken out of a dataset of %d, expected at least "
            "1, and at least 1 is left",
            count, all);
    hesse_dataset *r = hesse_calloc(1, sizeof *r);
    int *indices = hesse_calloc((size_t)count, sizeof *indices);
    hesse_status s = HESSE_OK;
    if (!r || !indices)
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for %d examples", count);
    for (int i = 0; !s && i < count; i++) indices[i] = all - count + i;
    if (!s) s = hesse_batch_pick(&d->all, count, indices, &r->all, why);
    if (!s) d->all.sequences = all - count;
    free(indices);
    if (s)
        free(r);
    else
        *rest = r;
    return s;
}

void hesse_dataset_free(hesse_dataset *d)
{
    if (d) hesse_batch_free(&d->all);
    free(d);
}

int hesse_dataset_examples(const hesse_dataset *d)
{
    return d->all.sequences;
}

int hesse_dataset_tokens(const hesse_dataset *d)
{
    return d->all.context;
}

const char *hesse_dataset_form(const hesse_dataset *d)
{
    return d->all.form;
}

const char *hesse_dataset_digest(const hesse_dataset *d)
{
    return d->all.digest;
}

const hesse_data_reading *hesse_dataset_reading(const hesse_dataset *d)
{
    return &d->all.reading;
}
