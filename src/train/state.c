/* The state of a run as one safetensors file: parameters, the optimiser's vectors and
   the records. Everything else follows from the number of steps. */
#include "base/memory.h"
#include "files/safetensors.h"
#include "files/safetensors_write.h"
#include "train/training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TABLES = HESSE_TRAINING_TABLES, COUNTERS = 2 };
enum { MOST = 2 + TABLES + HESSE_MOST_VECTORS };

/* The numbers of a state, by name. */
typedef struct state {
    size_t count;
    hesse_tensor_out tensors[MOST];
    const double *values[MOST];
    double counters[COUNTERS]; /* steps of the run and of the optimiser */
} state;

hesse_rows *hesse_training_table(hesse_training *t, int i, const char **name)
{
    const struct {
        const char *name;
        hesse_rows *rows;
    } tables[TABLES] = {{"loss", &t->loss},
                        {"gradient_norm", &t->gradient_norm},
                        {"update_norm", &t->update_norm},
                        {"learning_rate", &t->rate},
                        {"evaluations", &t->evaluations},
                        {"measures", &t->measures},
                        {"noise", &t->noise},
                        {"class_gradient", &t->class_gradient},
                        {"class_trace", &t->class_trace},
                        {"group_gradient", &t->group_gradient},
                        {"group_smoothness", &t->group_smoothness},
                        {"group_sharpness", &t->group_sharpness}};
    *name = tables[i].name;
    return tables[i].rows;
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
        const hesse_rows *r = hesse_training_table(t, i, &name);
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

/* A tensor of the file: what is expected, and what was read. */
typedef struct arrival {
    const char *name;
    size_t columns;
    bool table;     /* of any number of rows, and absent if that is 0; false: one row */
    size_t rows;    /* that were read */
    double *values; /* NULL: the file does not have it */
} arrival;

static hesse_status load(const hesse_safetensors *file, const char *path, arrival *a,
                         hesse_why *why)
{
    const hesse_tensor *x = hesse_safetensors_find(file, a->name);
    if (!x && a->table) return HESSE_OK;
    if (!x || x->rank != 2 || x->shape[1] != a->columns ||
        (a->table ? x->shape[0] < 1 : x->shape[0] != 1))
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: '%s' is %s, expected %s of %zu numbers: it is the state "
                          "of another run",
                          path, a->name, x ? "of another shape" : "missing",
                          a->table ? "rows" : "one row", a->columns);
    a->values = hesse_alloc(x->count);
    if (!a->values)
        return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for '%s'", path,
                          a->name);
    a->rows = x->shape[0];
    return hesse_safetensors_read_any(file, x, a->values, why);
}

/* The tensors that a state of this run has; returns their number, of which the last are
   the tables. */
static int expect(hesse_training *t, arrival list[MOST])
{
    const size_t n = t->network->params.size;
    const hesse_optimiser *o = t->optimiser;
    int count = 0;
    list[count++] = (arrival){.name = "counters", .columns = COUNTERS};
    list[count++] = (arrival){.name = "parameters", .columns = n};
    for (int i = 0; i < o->vectors; i++)
        list[count++] = (arrival){.name = o->names[i], .columns = n};
    for (int i = 0; i < TABLES; i++) {
        arrival *a = &list[count++];
        *a = (arrival){.table = true};
        a->columns = hesse_training_table(t, i, &a->name)->columns;
    }
    return count;
}

static const int64_t MOST_STEPS = INT64_C(1) << 53; /* a double counts up to it */

static bool is_count(double x, int64_t most)
{
    return x >= 0 && x <= (double)most && x == floor(x);
}

/* A state of this optimiser and of this length has nothing else, and a row for every
   step. */
static hesse_status check(const hesse_training *t, const hesse_safetensors *file,
                          const char *path, int count, const arrival *list,
                          hesse_why *why)
{
    const double *counters = list[0].values;
    for (size_t i = 0; i < hesse_safetensors_count(file); i++) {
        const char *name = hesse_safetensors_tensor(file, i)->name;
        int j = 0;
        while (j < count && strcmp(list[j].name, name) != 0) j++;
        if (j == count)
            return hesse_fail(why, HESSE_E_INPUT,
                              "%s: this run has no '%s': it is the state of another "
                              "run",
                              path, name);
    }
    if (!is_count(counters[0], t->options.steps) || !is_count(counters[1], MOST_STEPS))
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: %g steps of the run and %g of the optimiser were taken, "
                          "expected numbers from 0 on, and at most %lld of the run",
                          path, counters[0], counters[1], (long long)t->options.steps);
    for (int i = count - TABLES; i < count - TABLES + HESSE_TRAINING_BY_STEP; i++)
        if ((double)list[i].rows != counters[0])
            return hesse_fail(
                why, HESSE_E_INPUT,
                "%s: '%s' has %zu rows, expected one for each of %g steps", path,
                list[i].name, list[i].rows, counters[0]);
    return HESSE_OK;
}

/* Local to rank 0. After an error the run is as before. */
static hesse_status load_all(hesse_training *t, const char *path, hesse_why *why)
{
    const size_t n = t->network->params.size;
    hesse_optimiser *o = t->optimiser;
    hesse_safetensors *file = NULL;
    arrival list[MOST];
    const int count = expect(t, list);
    hesse_status s = hesse_safetensors_open(path, &file, why);
    for (int i = 0; !s && i < count; i++) s = load(file, path, &list[i], why);
    if (!s) s = check(t, file, path, count, list, why);
    if (!s) {
        t->steps = (int64_t)list[0].values[0], o->steps = (int64_t)list[0].values[1];
        memcpy(t->parameters, list[1].values, n * sizeof *t->parameters);
        for (int i = 0; i < o->vectors; i++)
            memcpy(o->vector[i], list[2 + i].values, n * sizeof *t->parameters);
    }
    for (int i = 0; !s && i < TABLES; i++) {
        arrival *a = &list[count - TABLES + i];
        hesse_rows *r = hesse_training_table(t, i, &a->name);
        free(r->at);
        r->at = a->values, r->count = r->room = a->rows;
        a->values = NULL;
    }
    for (int i = 0; i < count; i++) free(list[i].values);
    hesse_safetensors_close(file);
    return s;
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
        hesse_rows *r = hesse_training_table(t, i, &name);
        size_t count = r->count;
        hesse_team_broadcast(team, 0, &count, sizeof count);
        if (team->rank) {
            free(r->at);
            r->count = r->room = count;
            r->at = count ? hesse_alloc(count * r->columns) : NULL;
            if (count && !r->at) r->count = r->room = 0;
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
