/* Panels share only data that they read, so threads need no locks. A thread lives for
   one round, because a round takes a hundred times as long as making a thread. The
   numbers do not depend on the number of threads. */
#include "curvature/threads.h"

#include "base/real.h"

#include <pthread.h>
#include <stdlib.h>

hesse_status hesse_panel_threads_new(hesse_tape *tape, const hesse_params *params,
                                     const hesse_partition *partition,
                                     const hesse_panel_options *request, int threads,
                                     hesse_panel_threads *workers, hesse_why *why)
{
    hesse_status s = HESSE_OK;
    *workers = (hesse_panel_threads){.count = threads};
    workers->panels = hesse_calloc((size_t)threads, sizeof *workers->panels);
    if (!workers->panels) s = hesse_fail(why, HESSE_E_NOMEM, "out of memory");
    for (int i = 0; !s && i < threads; i++)
        s = hesse_panels_new(tape, params, partition, request, &workers->panels[i],
                             why);
    if (s) hesse_panel_threads_free(workers);
    return s;
}

void hesse_panel_threads_free(hesse_panel_threads *workers)
{
    for (int i = 0; workers->panels && i < workers->count; i++)
        hesse_panels_free(workers->panels[i]);
    free(workers->panels);
    *workers = (hesse_panel_threads){0};
}

int hesse_panel_threads_begin(hesse_panel_threads *workers, hesse_part part, bool keeps)
{
    int count = 0;
    workers->keeps = keeps && workers->checkpoint;
    for (int i = 0; i < workers->count; i++)
        count = hesse_panels_begin(workers->panels[i], part);
    return count;
}

typedef struct errand {
    hesse_panels *panels;
    int panel;
    bool done; /* computed by an earlier run */
    bool away; /* computed in a thread */
    pthread_t thread;
} errand;

static void *run(void *context)
{
    const errand *e = context;
    hesse_panels_compute(e->panels, e->panel);
    return NULL;
}

/* Records hold doubles. In single precision a panel is converted by way of a copy. */
static double *copy_of(size_t size)
{
    return HESSE_REALS_DIFFER ? hesse_alloc(size) : NULL;
}

static hesse_status no_room(size_t size, hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "%zu bytes for a panel are not there",
                      size * sizeof(double));
}

/* Load a panel, if the checkpoint has it for every share. */
static hesse_status load(const hesse_checkpoint *c, errand *e, hesse_why *why)
{
    const int shares = hesse_panels_shares(e->panels);
    const size_t size = hesse_panels_size(e->panels, e->panel);
    for (int s = 0; s < shares; s++) {
        const hesse_record what = hesse_panels_record(e->panels, e->panel, s);
        if (!hesse_checkpoint_has(c, &what, size)) return HESSE_OK;
    }
    double *copy = copy_of(size);
    hesse_status status = copy || !HESSE_REALS_DIFFER ? HESSE_OK : no_room(size, why);
    for (int s = 0; !status && s < shares; s++) {
        const hesse_record what = hesse_panels_record(e->panels, e->panel, s);
        real *to = hesse_panels_recall(e->panels, e->panel, s);
        status = hesse_checkpoint_load(c, &what,
                                       HESSE_REALS_DIFFER ? copy : (double *)to, why);
        for (size_t i = 0; HESSE_REALS_DIFFER && i < size; i++) to[i] = (real)copy[i];
    }
    free(copy);
    e->done = true;
    return status;
}

static hesse_status save(hesse_checkpoint *c, const errand *e, hesse_why *why)
{
    const size_t size = hesse_panels_size(e->panels, e->panel);
    double *copy = copy_of(size);
    hesse_status status = copy || !HESSE_REALS_DIFFER ? HESSE_OK : no_room(size, why);
    for (int s = 0; !status && s < hesse_panels_shares(e->panels); s++) {
        const hesse_record what = hesse_panels_record(e->panels, e->panel, s);
        const double *numbers =
            hesse_doubles_of(size, hesse_panels_values(e->panels, s), copy);
        status = hesse_checkpoint_save(c, &what, size, numbers, why);
    }
    free(copy);
    return status;
}

static void run_all(errand *all, int n)
{
    for (int i = 1; i < n; i++)
        if (!all[i].done)
            all[i].away = !pthread_create(&all[i].thread, NULL, run, &all[i]);
    for (int i = 0; i < n; i++)
        if (!all[i].done && !all[i].away) run(&all[i]);
    for (int i = 0; i < n; i++)
        if (all[i].away) pthread_join(all[i].thread, NULL);
}

hesse_status hesse_panel_threads_compute(hesse_panel_threads *workers, int first, int n,
                                         hesse_why *why)
{
    errand all[HESSE_MOST_THREADS];
    hesse_checkpoint *c = workers->checkpoint;
    hesse_status status = HESSE_OK;
    for (int i = 0; i < n; i++) {
        all[i] = (errand){.panels = workers->panels[i], .panel = first + i};
        if (!status) status = load(c, &all[i], why);
    }
    run_all(all, n);
    for (int i = 0; !status && workers->keeps && i < n; i++)
        if (!all[i].done) status = save(c, &all[i], why);
    return status ? status : hesse_checkpoint_continue(c, why);
}
