/* Rank 0 reads; what it found is plain data that the others are told. Then every rank
   unrolls the same tape and runs it. */
#include "objective/model.h"

#include "base/memory.h"
#include "base/units.h"
#include "data/read.h"
#include "network/families/config.h"
#include "network/families/families.h"
#include "network/weights.h"
#include "objective/product.h"
#include "parallel/available.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A source as options of its data. */
static hesse_data_options data_of(const hesse_source *source, const hesse_arch *arch)
{
    const char *const *const paths[] = {&source->tokens, &source->text, &source->inputs,
                                        &source->images};
    static const char *const kinds[] = {"tokens", "text", "inputs", "images"};
    hesse_data_options d = {.kind = source->generator,
                            .labels = source->labels,
                            .targets = source->targets,
                            .recipe = source->recipe,
                            .size = source->image_size,
                            .classes = source->image_classes,
                            .standard = source->standard,
                            .characters = source->characters,
                            .mask_rate = source->mask_rate,
                            .mask_id = source->mask_id,
                            .sequences = source->sequences,
                            .context = source->context,
                            .batch = source->batch,
                            .shuffle = source->shuffle,
                            .seed = source->data_seed};
    for (int i = 0; i < 4; i++)
        if (*paths[i]) d.kind = kinds[i], d.paths = paths[i], d.n_paths = 1;
    if (source->texts) {
        d.kind = "texts";
        d.paths = source->texts, d.n_paths = source->n_texts;
    }
    if (source->eigenvalues) {
        d.kind = "quadratic", d.seed = source->seed;
        d.sizes = arch->lists.widths, d.n_sizes = arch->lists.n_widths;
        d.eigenvalues = source->eigenvalues;
    }
    return d;
}

static hesse_data_needs needs_of(const hesse_arch *arch)
{
    return (hesse_data_needs){.reads = hesse_family_reads_ids(arch->family)
                                           ? HESSE_READS_IDS
                                           : HESSE_READS_NUMBERS,
                              .positions = arch->positions,
                              .vocabulary = arch->vocabulary,
                              .classes = arch->data.outputs,
                              .masked = arch->family == HESSE_BERT && arch->masked,
                              .full = arch->attention.full,
                              .flat = arch->family == HESSE_MLP,
                              .squared = arch->data.loss == HESSE_LOSS_SQUARED_ERROR};
}

/* Local to rank 0: architecture and data, and the checkpoint opened. */
static hesse_status read_shape(const hesse_source *source, hesse_model *m,
                               hesse_safetensors **file, hesse_why *why)
{
    hesse_status s = HESSE_OK;
    if (source->config) s = hesse_config_read(source->config, &m->arch, why);
    m->arch.attention.temperature = source->arch->attention.temperature;
    m->arch.attention.full = source->arch->attention.full;
    m->arch.attention.kernel = source->arch->attention.kernel;
    m->arch.masked = source->arch->masked;
    m->arch.data.loss = source->arch->data.loss;
    if (!s && source->checkpoint) {
        s = hesse_safetensors_open(source->checkpoint, file, why);
        if (!s) s = hesse_weights_probe(*file, source->checkpoint, &m->arch, why);
    }
    if (!source->checkpoint) m->arch.layout = hesse_layout_of(&m->arch);
    const bool told = m->arch.data.outputs > 0;
    if (!s) {
        const hesse_data_options data = data_of(source, &m->arch);
        const hesse_data_needs needs = needs_of(&m->arch);
        s = hesse_data_read(&data, &needs, &m->batch, why);
    }
    if (!s) s = hesse_family_fit(&m->arch, &m->batch, why);
    if (!s && *file) s = hesse_weights_widen(*file, &m->arch, told, why);
    return s;
}

/* Local to rank 0. */
static hesse_status read_values(const hesse_source *source, hesse_model *m,
                                const hesse_safetensors *file, hesse_why *why)
{
    if (source->outline) return HESSE_OK;
    if (file) {
        const hesse_tensors parts[] = {{&m->params, m->theta},
                                       {&m->buffers, m->constants}};
        return hesse_weights_read(file, source->checkpoint, &m->arch, parts, 2,
                                  &m->note, m->checkpoint, why);
    }
    hesse_params_init(&m->params, source->seed, m->theta);
    hesse_params_init(&m->buffers, source->seed, m->constants);
    return HESSE_OK;
}

/* The arrays of a batch, which a rank has room for and another tells it of. */
typedef struct piece {
    void **at;
    size_t bytes;
} piece;

enum { PARTS = 5 };

static void parts_of(hesse_batch *b, piece parts[PARTS])
{
    const size_t examples = (size_t)b->sequences;
    const size_t tokens = examples * (size_t)b->context;
    const size_t wanted = examples * (size_t)b->wanted_tokens * (size_t)b->wanted_width;
    parts[0] = (piece){(void **)&b->input, tokens * sizeof *b->input};
    parts[1] = (piece){(void **)&b->x, tokens * (size_t)b->width * sizeof *b->x};
    parts[2] =
        (piece){(void **)&b->target, examples * (size_t)b->labels * sizeof *b->target};
    parts[3] = (piece){(void **)&b->wanted, wanted * sizeof *b->wanted};
    parts[4] = (piece){(void **)&b->seen, tokens * sizeof *b->seen};
}

/* Collective. Room for what rank 0 read, on all. */
static hesse_status make_room(hesse_model *m, bool outline)
{
    hesse_team *team = m->team;
    hesse_why *why = &team->why;
    hesse_batch told = m->batch;
    piece parts[PARTS];
    hesse_team_broadcast(team, 0, &m->arch, sizeof m->arch);
    hesse_team_broadcast(team, 0, &told, sizeof told);
    if (team->rank) m->batch = told;
    parts_of(&m->batch, parts);
    bool there = true;
    for (int i = 0; team->rank && i < PARTS; i++) {
        if (!*parts[i].at) continue;
        *parts[i].at = hesse_calloc(parts[i].bytes, 1);
        there &= *parts[i].at != NULL;
    }
    hesse_status s = hesse_params_new(&m->arch, &m->params, why);
    if (!s) s = hesse_buffers_new(&m->arch, &m->buffers, why);
    if (!s && !outline) {
        m->theta = hesse_alloc(m->params.size);
        m->gradient = hesse_alloc(m->params.size);
        m->constants = hesse_alloc(m->buffers.size);
        there &= m->theta && m->gradient && m->constants;
    }
    if (!s && !there)
        s = hesse_fail(why, HESSE_E_NOMEM, "%zu bytes for %zu parameters are not there",
                       2 * m->params.size * sizeof(double), m->params.size);
    return hesse_agree(team, s);
}

/* Collective. */
static void tell_values(hesse_model *m, bool outline)
{
    piece parts[PARTS];
    parts_of(&m->batch, parts);
    for (int i = 0; i < PARTS; i++)
        if (*parts[i].at)
            hesse_team_broadcast(m->team, 0, *parts[i].at, parts[i].bytes);
    hesse_team_broadcast(m->team, 0, &m->note, sizeof m->note);
    hesse_team_broadcast(m->team, 0, m->checkpoint, sizeof m->checkpoint);
    if (outline) return;
    hesse_team_broadcast(m->team, 0, m->theta, m->params.size * sizeof *m->theta);
    hesse_team_broadcast(m->team, 0, m->constants,
                         m->buffers.size * sizeof *m->constants);
}

static hesse_status weighting_of(const hesse_source *source, int sequences,
                                 hesse_weighting *w, hesse_why *why)
{
    const int batch = source->batch ? source->batch : 1;
    *w = (hesse_weighting){.scale = source->reduction == HESSE_MEAN};
    if (source->reduction != HESSE_SUM_OF_BATCHES) return HESSE_OK;
    w->batch = batch;
    if (sequences % batch == 0) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB,
                      "micro-batches of %d sequences (data.batch) do not make up %d "
                      "sequences, expected a divisor",
                      batch, sequences);
}

/* Of the memory, what activations may take: vectors and matrices need some, too. */
static const double SHARE = 0.5;

/* Local. As many sequences at once as that leaves room for; adjoints of parameters are there
   whatever their number. */
static void hold(const hesse_model *m, double room)
{
    const double all = (double)hesse_tape_bytes(m->tape);
    const double fixed = (double)m->params.size * (double)sizeof(double);
    const double each = (all - fixed) / m->tape->sequences;
    if (all <= SHARE * room) return;
    const double some = floor((SHARE * room - fixed) / each);
    hesse_tape_hold(m->tape, some < 1 ? 1 : (int)fmin(some, m->tape->sequences));
}

/* Local. Values and adjoints of the batch, or of what fits of it. */
static hesse_status unroll(hesse_model *m, const hesse_source *source, size_t available,
                           hesse_why *why)
{
    hesse_weighting weighting;
    hesse_status s = weighting_of(source, m->batch.sequences, &weighting, why);
    if (!s && source->reduction == HESSE_SUM_OF_BATCHES &&
        m->arch.image.batch_norm == HESSE_BATCH_NORM_TRAINING)
        s = hesse_fail(why, HESSE_E_JOB,
                       "micro-batches have statistics of their own, and batch "
                       "normalisation in training mode takes those of the whole batch; "
                       "there is 'model.batch_norm: evaluation', as the published "
                       "procedure has it");
    if (!s)
        s = hesse_family_build_tape(&m->arch, &m->batch, m->constants, &weighting,
                                    &m->tape, why);
    if (s) return s;
    const size_t stated = source->memory;
    hold(m, (double)(stated && stated < available ? stated : available));
    if (source->outline) return HESSE_OK;
    const size_t need = hesse_tape_bytes(m->tape);
    if (need > available || !hesse_tape_freeze(m->tape))
        return hesse_fail(why, HESSE_E_NOMEM,
                          "the activations of %d sequence%s of %d tokens need %s on "
                          "every rank, of %s free; take fewer or shorter ones",
                          m->tape->window, m->tape->window > 1 ? "s" : "",
                          m->batch.context, HESSE_BYTES((double)need),
                          HESSE_BYTES((double)available));
    return HESSE_OK;
}

/* Local. */
static hesse_status run(hesse_model *m, hesse_why *why)
{
    char where[128];
    m->loss = hesse_tape_run(m->tape, m->theta, m->gradient);
    const hesse_fault fault = hesse_tape_fault(m->tape);
    if (fault.node >= 0)
        return hesse_fail(why, HESSE_E_NUMERIC,
                          "the model is not finite: %s, gives the first %s that is "
                          "not; the loss is %g",
                          hesse_fault_text(m->tape, &fault, where, sizeof where),
                          fault.what, m->loss);
    for (int p = 0; p < m->params.count; p++)
        for (size_t i = 0; i < hesse_param_size(&m->params.list[p]); i++)
            if (!isfinite(m->gradient[m->params.list[p].offset + i]))
                return hesse_fail(why, HESSE_E_NUMERIC,
                                  "element %zu of the gradient of '%s' is not finite",
                                  i, m->params.list[p].name);
    return HESSE_OK;
}

hesse_status hesse_model_open(hesse_team *team, const hesse_source *source,
                              hesse_model **model)
{
    hesse_safetensors *file = NULL;
    hesse_model *m = hesse_calloc(1, sizeof *m);
    hesse_status s = HESSE_OK;
    const int data = !!source->tokens + !!source->text + !!source->inputs +
                     !!source->images + !!source->texts + !!source->eigenvalues +
                     !!source->generator;
    if (!source->arch || data != 1)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "a source has an arch, and data of one kind");
    else if (!m)
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for a model");
    else
        *m = (hesse_model){.team = team, .arch = *source->arch};
    if (!s && team->rank == 0) s = read_shape(source, m, &file, &team->why);
    s = hesse_agree(team, s);
    if (!s) s = make_room(m, source->outline);
    if (!s && team->rank == 0) s = read_values(source, m, file, &team->why);
    s = hesse_agree(team, s);
    hesse_safetensors_close(file);
    if (!s) {
        tell_values(m, source->outline);
        s = unroll(m, source, hesse_team_available(team), &team->why);
        if (!s && !source->outline) s = run(m, &team->why);
        s = hesse_agree(team, s);
    }
    if (s)
        hesse_model_free(m);
    else
        *model = m;
    return s;
}

void hesse_model_free(hesse_model *m)
{
    if (!m) return;
    hesse_tape_free(m->tape);
    hesse_batch_free(&m->batch);
    hesse_params_free(&m->params);
    hesse_params_free(&m->buffers);
    free(m->constants);
    free(m->theta);
    free(m->gradient);
    free(m);
}

double hesse_model_loss(const hesse_model *m)
{
    return m->loss;
}

size_t hesse_model_size(const hesse_model *m)
{
    return m->params.size;
}

const double *hesse_model_gradient(const hesse_model *m)
{
    return m->gradient;
}

const char *hesse_model_note(const hesse_model *m)
{
    return m->note.text;
}

int hesse_model_parameters(const hesse_model *m)
{
    return m->params.count;
}

const char *hesse_model_parameter_name(const hesse_model *m, int i)
{
    return m->params.list[i].name;
}

size_t hesse_model_parameter_first(const hesse_model *m, int i)
{
    return m->params.list[i].offset;
}

size_t hesse_model_parameter_size(const hesse_model *m, int i)
{
    return hesse_param_size(&m->params.list[i]);
}

hesse_status hesse_model_product(hesse_model *m, hesse_kinds part, int k,
                                 const double *v, double *hv)
{
    hesse_team *team = m->team;
    hesse_product *product = NULL;
    hesse_piece *all = hesse_pieces_of_all(&m->params);
    hesse_status s = HESSE_OK;
    if (!part || k < 1 || !m->theta)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "product: %d directions of part %#x, expected at least one of a "
                       "model that has values",
                       k, (unsigned)part);
    else if (!all)
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for %d directions", k);
    s = hesse_agree(team, s);
    const hesse_bundle bundle = {all, m->params.count, k};
    if (!s) s = hesse_product_new(m, &bundle, 1, &product);
    if (!s) hesse_product_run(product, part, v, hv);
    hesse_product_free(product);
    free(all);
    return s;
}
