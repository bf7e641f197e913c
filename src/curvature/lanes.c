/* Panels share only what they read, so threads need no locks. They live for one round: a
   round takes a hundred times as long as they take to make. The numbers do not depend on
   how many there are. */
#include "curvature/lanes.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>

hesse_status hesse_lanes_new(const hesse_tape *tape, const hesse_params *params,
                             const hesse_partition *partition,
                             const hesse_request *request, int threads,
                             hesse_lanes *lanes, hesse_why *why)
{
    hesse_status s = HESSE_OK;
    *lanes = (hesse_lanes){.count = threads};
    lanes->panels = hesse_calloc((size_t)threads, sizeof *lanes->panels);
    if (!lanes->panels) s = hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    for (int i = 0; !s && i < threads; i++)
        s = hesse_panels_new(tape, params, partition, request, &lanes->panels[i], why);
    if (s) hesse_lanes_free(lanes);
    return s;
}

void hesse_lanes_free(hesse_lanes *lanes)
{
    for (int i = 0; lanes->panels && i < lanes->count; i++)
        hesse_panels_free(lanes->panels[i]);
    free(lanes->panels);
    *lanes = (hesse_lanes){0};
}

int hesse_lanes_begin(hesse_lanes *lanes, hesse_part part)
{
    int count = 0;
    for (int i = 0; i < lanes->count; i++)
        count = hesse_panels_begin(lanes->panels[i], part);
    return count;
}

typedef struct errand {
    hesse_panels *panels;
    int panel;
    pthread_t thread;
    bool away;
} errand;

static void *run(void *context)
{
    const errand *e = context;
    hesse_panels_compute(e->panels, e->panel);
    return NULL;
}

void hesse_lanes_compute(hesse_lanes *lanes, int first, int n)
{
    errand all[HESSE_MOST_THREADS];
    for (int i = 0; i < n; i++) {
        all[i] = (errand){.panels = lanes->panels[i], .panel = first + i};
        if (i > 0) all[i].away = !pthread_create(&all[i].thread, NULL, run, &all[i]);
    }
    for (int i = 0; i < n; i++)
        if (!all[i].away) run(&all[i]);
    for (int i = 0; i < n; i++)
        if (all[i].away) pthread_join(all[i].thread, NULL);
}
