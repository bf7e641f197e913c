/* The state of a run as one safetensors file: parameters, the optimiser's vectors and
   the records. Everything else follows from the number of steps. */
#include "base/memory.h"
#include "files/safetensors.h"
#include "files/safetensors_write.h"
#include "train/training.h"

#include <stdlib.h>
#include <string.h>

enum { TABLES = 9, MOST = 2 + TABLES + HESSE_MOST_VECTORS, COUNTERS = 2 };

/* The numbers of a state, by name. */
typedef struct state {
    size_t count;
    hesse_tensor_out tensors[MOST];
    const double *values[MOST];
    double counters[COUNTERS]; /* steps of the run and of the optimiser */
} state;

static hesse_rows *table_of(hesse_training *t, int i, const char **name)
{
    static const char *const names[TABLES] = {
        "loss",     "gradient_norm", "update_norm",    "learning_rate", "evaluations",
        "measures", "noise",         "class_gradient", "class_trace"};
    hesse_rows *const tables[TABLES] = {&t->loss,  &t->gradient_norm,  &t->update_norm,
                                        &t->rate,  &t->evaluations,    &t->measures,
                                        &t->noise, &t->class_gradient, &t->class_trace};
    *name = names[i];
    return tables[i];
}

static void add(state *s, const char *name, size_t rows, size_t cols,
                const double *values)
{
    s->tensors[s->count] = (hesse_tensor_out){name, 2, {rows, cols}};
    s->values[s->count++] = values;
}

static void list(hesse_training *t, state *s)
{
    const size_t n = t->network->params.size;
    const hesse_optimiser *o = t->optimiser;
    *s = (state){.counters = {(double)t->steps, (double)o->steps}};
    add(s, "counters", 1, COUNTERS, s->counters);
    add(s, "parameters", 1, n, t->parameters);
    for (int i = 0; i < o->vectors; i++) add(s, o->names[i], 1, n, o->vector[i]);
    for (int i = 0; i < TABLES; i++) {
        const char *name;
        const hesse_rows *r = table_of(t, i, &name);
        if (r->count) add(s, name, r->count, r->columns, r->at);
    }
}

static const double *values_of(void *context, size_t i)
{
    return ((const state *)context)->values[i];
}

hesse_status hesse_training_save(hesse_training *t, const char *path)
{
    if (!t) return HESSE_E_JOB;
    state s;
    hesse_status status = HESSE_OK;
    list(t, &s);
    if (!path)
        status = hesse_fail(&t->team->why, HESSE_E_JOB, "a state needs a path");
    else if (t->team->rank == 0)
        status = hesse_safetensors_write(path, s.count, s.tensors, 8, values_of, &s,
                                         &t->team->why);
    return hesse_agree(t->team, status);
}

/* Local to rank 0. Read a tensor of a known number of columns; rows: [out], 0 if the
   file does not have it. NULL after an error. The caller frees the numbers. */
static double *load(const hesse_safetensors *file, const char *path, const char *name,
                    size_t columns, bool needed, size_t *rows, hesse_status *status,
                    hesse_why *why)
{
    const hesse_tensor *x = hesse_safetensors_find(file, name);
    *rows = 0;
    if (*status || (!x && !needed)) return NULL;
    if (!x || x->rank != 2 || x->shape[1] != columns) {
        *status = hesse_fail(why, HESSE_E_INPUT,
                             "%s: '%s' is %s, expected %zu columns: it is the state of "
                             "another run",
                             path, name, x ? "of another shape" : "missing", columns);
        return NULL;
    }
    double *values = hesse_alloc(x->count);
    if (!values)
        *status =
            hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for '%s'", path, name);
    else
        *status = hesse_safetensors_read_any(file, x, values, why);
    if (*status) {
        free(values);
        return NULL;
    }
    *rows = x->shape[0];
    return values;
}

/* Local to rank 0. */
static hesse_status load_all(hesse_training *t, const char *path, hesse_why *why)
{
    hesse_safetensors *file = NULL;
    hesse_status status = hesse_safetensors_open(path, &file, why);
    const size_t n = t->network->params.size;
    hesse_optimiser *o = t->optimiser;
    size_t rows;
    if (status) return status;
    double *counters =
        load(file, path, "counters", COUNTERS, true, &rows, &status, why);
    double *parameters = load(file, path, "parameters", n, true, &rows, &status, why);
    if (!status) {
        t->steps = (int64_t)counters[0], o->steps = (int64_t)counters[1];
        memcpy(t->parameters, parameters, n * sizeof *parameters);
    }
    for (int i = 0; !status && i < o->vectors; i++) {
        double *x = load(file, path, o->names[i], n, true, &rows, &status, why);
        if (x) memcpy(o->vector[i], x, n * sizeof *x);
        free(x);
    }
    for (int i = 0; !status && i < TABLES; i++) {
        const char *name;
        hesse_rows *r = table_of(t, i, &name);
        double *x = load(file, path, name, r->columns, false, &rows, &status, why);
        if (!x) continue;
        free(r->at);
        r->at = x, r->count = r->room = rows;
    }
    free(counters);
    free(parameters);
    hesse_safetensors_close(file);
    return status;
}

/* Collective. Rank 0 sends everything to the others. */
static hesse_status tell(hesse_training *t)
{
    hesse_team *team = t->team;
    const size_t n = t->network->params.size;
    hesse_optimiser *o = t->optimiser;
    hesse_status s = HESSE_OK;
    hesse_team_broadcast(team, 0, &t->steps, sizeof t->steps);
    hesse_team_broadcast(team, 0, &o->steps, sizeof o->steps);
    hesse_team_broadcast(team, 0, t->parameters, n * sizeof *t->parameters);
    for (int i = 0; i < o->vectors; i++)
        hesse_team_broadcast(team, 0, o->vector[i], n * sizeof(double));
    for (int i = 0; !s && i < TABLES; i++) {
        const char *name;
        hesse_rows *r = table_of(t, i, &name);
        size_t count = r->count;
        hesse_team_broadcast(team, 0, &count, sizeof count);
        if (team->rank) {
            free(r->at);
            r->count = r->room = count;
            r->at = count ? hesse_alloc(count * r->columns) : NULL;
            if (count && !r->at)
                s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for a log");
        }
        s = hesse_agree(team, s);
        if (!s && count)
            hesse_team_broadcast(team, 0, r->at, count * r->columns * sizeof(double));
    }
    return s;
}

hesse_status hesse_training_load(hesse_training *t, const char *path)
{
    if (!t) return HESSE_E_JOB;
    hesse_status s = HESSE_OK;
    if (!path)
        s = hesse_fail(&t->team->why, HESSE_E_JOB, "a state needs a path");
    else if (t->team->rank == 0)
        s = load_all(t, path, &t->team->why);
    s = hesse_agree(t->team, s);
    return s ? s : tell(t);
}
