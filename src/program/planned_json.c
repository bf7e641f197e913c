/* The plan as JSON: numbers in bytes, seconds and floating-point operations. */
#include "program/planned.h"

static void number(hesse_json *j, json_t *object, const char *name, double x)
{
    hesse_json_set(j, object, name, hesse_json_number(x));
}

static void whole(hesse_json *j, json_t *object, const char *name, size_t x)
{
    hesse_json_set(j, object, name, json_integer((json_int_t)x));
}

static void text(hesse_json *j, json_t *object, const char *name, const char *x)
{
    hesse_json_set(j, object, name, x ? hesse_json_text(x) : json_null());
}

static json_t *object(hesse_json *j, json_t *in, const char *name)
{
    return hesse_json_set(j, in, name, json_object());
}

/* Why a matrix is estimated, or null. */
static void estimated(hesse_json *j, json_t *in, hesse_estimated why)
{
    text(j, in, "estimated", why ? hesse_estimated_text(why) : NULL);
}

static void add_data(hesse_json *j, json_t *in, const hesse_problem *p)
{
    json_t *data = object(j, in, "data");
    whole(j, in, "parameters", hesse_network_size(p->network));
    whole(j, in, "tensors", (size_t)hesse_network_tensors(p->network));
    whole(j, data, "sequences", (size_t)hesse_dataset_examples(p->dataset));
    whole(j, data, "tokens", (size_t)hesse_dataset_tokens(p->dataset));
    const char *form = hesse_dataset_form(p->dataset);
    text(j, data, "images", *form ? form : NULL);
    whole(j, data, "at_once", (size_t)hesse_objective_window(p->objective));
}

static void add_series(hesse_json *j, json_t *in, const hesse_planned *p)
{
    const hesse_job_series *series = &p->job->series;
    if (!series->count) return;
    json_t *steps = hesse_json_set(j, in, "steps", json_array());
    for (int i = 0; i < series->count; i++)
        hesse_json_append(j, steps, json_integer(series->step[i]));
    number(j, in, "seconds_of_a_step", p->one.seconds);
}

static void add_full(hesse_json *j, json_t *in, const hesse_plan_summary *p)
{
    if (!p->whole && !p->whole_estimated) return;
    json_t *full = object(j, in, "full");
    whole(j, full, "size", p->order);
    text(j, full, "engine", p->whole ? hesse_engine_name(p->whole_engine) : "lanczos");
    estimated(j, full, p->whole_estimated);
    if (!p->whole) return;
    number(j, full, "products", p->whole_products);
    number(j, full, "eigenvalues", p->whole_solution);
    number(j, full, "seconds_of_assembly", p->whole_assembly);
    number(j, full, "seconds_of_exchange", p->whole_exchange);
    number(j, full, "seconds_of_eigenvalues", p->whole_eigen);
}

static void add_lanczos(hesse_json *j, json_t *in, const hesse_plan_summary *p)
{
    if (!(p->products > 0)) return;
    json_t *of = object(j, in, "lanczos");
    whole(j, of, "probes", (size_t)p->lanczos.probes);
    whole(j, of, "steps", (size_t)p->lanczos.steps);
    whole(j, of, "at_once", (size_t)p->together);
    number(j, of, "products", p->products);
    number(j, of, "products_of_eigenpairs_and_diagonals", p->extra);
    number(j, of, "seconds", p->estimate_seconds);
    number(j, of, "memory", p->estimate_bytes);
}

static void add_summary(hesse_json *j, json_t *in, const hesse_plan_summary *p)
{
    whole(j, in, "ranks", (size_t)p->ranks);
    whole(j, in, "threads", (size_t)p->threads);
    whole(j, in, "order", p->order);
    whole(j, in, "estimated_blocks", (size_t)p->n_estimated);
    json_t *memory = object(j, in, "memory");
    number(j, memory, "peak", p->peak);
    number(j, memory, "allowed", p->memory);
    number(j, memory, "program", p->program);
    json_t *disk = object(j, in, "disk");
    number(j, disk, "result", p->disk.result);
    number(j, disk, "parts", p->disk.parts);
    number(j, in, "seconds", p->seconds);
    number(j, in, "seconds_of_idlest_rank", p->idlest);
    add_full(j, in, p);
    add_lanczos(j, in, p);
}

static void add_blocks(hesse_json *j, json_t *in, const hesse_analysis *analysis)
{
    json_t *list = hesse_json_set(j, in, "blocks", json_array());
    for (int i = 0; i < hesse_analysis_planned(analysis); i++) {
        const hesse_planned_block b = hesse_analysis_planned_block(analysis, i);
        json_t *block = hesse_json_append(j, list, json_object());
        text(j, block, "name", b.name);
        whole(j, block, "size", b.size);
        text(j, block, "engine", b.estimated ? "lanczos" : hesse_engine_name(b.engine));
        estimated(j, block, b.estimated);
        whole(j, block, "first_rank", (size_t)b.first);
        whole(j, block, "ranks", (size_t)b.ranks);
        if (!b.estimated) number(j, block, "memory", b.bytes);
        number(j, block, "products", b.products);
        if (!b.estimated) number(j, block, "eigenvalues", b.solution);
        number(j, block, "seconds", b.seconds);
    }
}

static void add_training(hesse_json *j, json_t *in, const hesse_planned *p)
{
    const hesse_planned_training *t = &p->training;
    if (!t->runs) return;
    json_t *of = object(j, in, "training");
    whole(j, of, "runs", (size_t)t->runs);
    whole(j, of, "steps", (size_t)p->job->train.options.steps);
    whole(j, of, "batch", (size_t)t->batch);
    whole(j, of, "ranks_of_a_run", (size_t)t->ranks);
    number(j, of, "products_of_a_step", t->step);
    number(j, of, "seconds", t->seconds);
    whole(j, of, "stages", (size_t)t->stages);
    number(j, of, "bytes_of_a_stage", t->stage_bytes);
}

static void add_cost(hesse_json *j, json_t *in, const char *name,
                     const hesse_measure_cost *c)
{
    if (!(c->products > 0)) return;
    json_t *of = object(j, in, name);
    number(j, of, "vectors", c->products);
    whole(j, of, "at_once", (size_t)c->width);
    number(j, of, "products", c->work);
    number(j, of, "seconds", c->seconds);
}

void hesse_planned_json(hesse_json *j, json_t *list, const hesse_planned *p)
{
    json_t *in = hesse_json_append(j, list, json_object());
    text(j, in, "point", *p->job->sweep.name ? p->job->sweep.name : NULL);
    whole(j, in, "repeats", (size_t)p->job->repeats);
    add_data(j, in, p->problem);
    add_series(j, in, p);
    if (p->analysis) add_summary(j, in, &p->all);
    add_training(j, in, p);
    add_cost(j, in, "directions", &p->measures.directions);
    add_cost(j, in, "block_error", &p->measures.block_error);
    if (p->analysis) add_blocks(j, in, p->analysis);
}
