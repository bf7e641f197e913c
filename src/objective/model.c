/* Rank 0 reads; what it found is plain data that the others are told. Then every rank
   unrolls the same tape and runs it. */
#include "objective/model.h"

#include "base/memory.h"
#include "base/units.h"
#include "data/arrays.h"
#include "data/generate.h"
#include "data/images.h"
#include "data/mask_tokens.h"
#include "data/quadratic.h"
#include "data/texts.h"
#include "data/tokens.h"
#include "network/families/config.h"
#include "network/families/families.h"
#include "network/weights.h"
#include "objective/product.h"
#include "parallel/available.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_EXAMPLES = 16 };

/* Of a padded row as of a whole one, the last token is a target alone, unless each is its own. */
static hesse_status see(hesse_batch *b, hesse_why *why)
{
    int *lengths = hesse_calloc((size_t)b->sequences, sizeof *lengths);
    if (!lengths) return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the data");
    for (int s = 0; s < b->sequences; s++) {
        const int *target = b->target + s * b->context;
        while (lengths[s] < b->context && target[lengths[s]] >= 0) lengths[s]++;
        if (!lengths[s]) lengths[s] = 1; /* something to attend to */
    }
    const hesse_status status = hesse_batch_set_visible(b, lengths, why);
    free(lengths);
    return status;
}

/* Ids of tokens, each to predict the one after it, or some of them hidden. */
static hesse_status read_tokens(const hesse_source *source, hesse_model *m,
                                hesse_why *why)
{
    const bool masked = m->arch.family == HESSE_BERT && m->arch.masked;
    const hesse_tokens_request wanted = {.tokens = source->tokens,
                                         .text = source->text,
                                         .characters = source->characters,
                                         .sequences = source->sequences,
                                         .context = source->context,
                                         .positions = m->arch.positions,
                                         .vocabulary = m->arch.vocabulary,
                                         .alone = masked,
                                         .shuffle = source->shuffle,
                                         .seed = source->data_seed};
    hesse_status s = hesse_tokens_read(&wanted, &m->batch, why);
    if (!s && m->arch.attention.full) s = see(&m->batch, why);
    if (s || !masked) return s;
    s = hesse_mask_tokens(&m->batch, source->mask_rate,
                          source->mask_id ? *source->mask_id : -1, source->data_seed,
                          why);
    const int words = m->arch.vocabulary;
    if (s || !words || m->batch.vocabulary <= words) return s;
    return hesse_fail(
        why, HESSE_E_JOB,
        "data.mask_id is %d, expected an id of the model's vocabulary of %d",
        m->batch.vocabulary - 1, words);
}

static hesse_status read_texts(const hesse_source *source, hesse_model *m,
                               hesse_why *why)
{
    const hesse_texts_request wanted = {.paths = source->texts,
                                        .count = source->n_texts,
                                        .characters = source->characters,
                                        .sequences = source->sequences,
                                        .context = source->context,
                                        .positions = m->arch.positions,
                                        .shuffle = source->shuffle,
                                        .seed = source->data_seed};
    return hesse_texts_read(&wanted, &m->batch, why);
}

static hesse_status read_images(const hesse_source *source, hesse_model *m,
                                hesse_why *why)
{
    const hesse_images_request wanted = {.images = source->images,
                                         .labels = source->labels,
                                         .count = source->sequences,
                                         .size = source->image_size,
                                         .classes = source->image_classes,
                                         .standard = source->standard,
                                         .shuffle = source->shuffle,
                                         .seed = source->data_seed};
    return hesse_images_read(&wanted, &m->batch, why);
}

static hesse_status read_data(const hesse_source *source, hesse_model *m,
                              hesse_why *why)
{
    if (m->arch.family == HESSE_QUADRATIC)
        return hesse_quadratic_make(m->arch.n_widths, m->arch.widths,
                                    source->eigenvalues, source->seed, &m->batch, why);
    if (source->inputs)
        return hesse_arrays_read(&(hesse_arrays_request){.inputs = source->inputs,
                                                         .targets = source->targets,
                                                         .labels = source->labels,
                                                         .count = source->sequences},
                                 &m->batch, why);
    if (source->recipe.generator)
        return hesse_generate(&source->recipe,
                              source->sequences ? source->sequences : DEFAULT_EXAMPLES,
                              source->batch, source->data_seed, &m->batch, why);
    if (source->images) return read_images(source, m, why);
    if (source->texts) return read_texts(source, m, why);
    return read_tokens(source, m, why);
}

/* Data as the family reads them. */
static hesse_status adapt(const hesse_arch *arch, hesse_batch *batch, hesse_why *why)
{
    hesse_status s = HESSE_OK;
    if (arch->family == HESSE_MLP) s = hesse_batch_flatten(batch, why);
    if (hesse_family_reads_ids(arch->family)) s = hesse_batch_shades(batch, why);
    if (!s && arch->loss == HESSE_LOSS_SQUARED_ERROR && batch->target)
        s = hesse_batch_one_hot(batch, why);
    return s;
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
    m->arch.loss = source->arch->loss;
    if (!s && source->checkpoint) {
        s = hesse_safetensors_open(source->checkpoint, file, why);
        if (!s) s = hesse_weights_probe(*file, source->checkpoint, &m->arch, why);
    }
    if (!source->checkpoint) m->arch.layout = hesse_layout_of(m->arch.family);
    const bool told = m->arch.outputs > 0;
    if (!s) s = read_data(source, m, why);
    if (!s && m->batch.classes < m->arch.outputs) m->batch.classes = m->arch.outputs;
    if (!s) s = adapt(&m->arch, &m->batch, why);
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

/* How many times the mean over targets the loss is; 0: their sum. */
static hesse_status times_of(const hesse_source *source, int sequences, double *times,
                             hesse_why *why)
{
    const int batch = source->batch ? source->batch : 1;
    *times = source->reduction == HESSE_MEAN ? 1 : 0;
    if (source->reduction != HESSE_SUM_OF_BATCHES) return HESSE_OK;
    *times = sequences / batch;
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
    double times;
    hesse_status s = times_of(source, m->batch.sequences, &times, why);
    if (!s && source->reduction == HESSE_SUM_OF_BATCHES &&
        m->arch.batch_norm == HESSE_BATCH_NORM_TRAINING)
        s = hesse_fail(why, HESSE_E_JOB,
                       "micro-batches have statistics of their own, and batch "
                       "normalisation in training mode takes those of the whole batch; "
                       "there is 'model.batch_norm: evaluation', as the published "
                       "procedure has it");
    if (!s)
        s = hesse_family_build_tape(&m->arch, &m->params, &m->batch, m->constants,
                                    times, &m->tape, why);
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

/* A number of a source or an arch, and the most that it may be; the least is 0. */
typedef struct number {
    const char *name;
    long value, most;
} number;

static hesse_status check_numbers(size_t count, const number *list, hesse_why *why)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].value < 0 || list[i].value > list[i].most)
            return hesse_fail(why, HESSE_E_JOB, "%s is %ld, expected 0 to %ld",
                              list[i].name, list[i].value, list[i].most);
    return HESSE_OK;
}

static hesse_status check_sizes(const char *name, int count, const int *sizes,
                                hesse_why *why)
{
    hesse_status s = HESSE_OK;
    for (int i = 0; !s && i < count; i++)
        s = check_numbers(1, &(number){name, sizes[i], INT_MAX}, why);
    return s;
}

/* What a caller may say, before anything is made of it. Whether numbers fit one another, and
   the family, is the family's to judge. */
static hesse_status check_arch(const hesse_arch *a, hesse_why *why)
{
    const hesse_attention *t = &a->attention;
    const number list[] = {{"family", a->family, HESSE_QUADRATIC},
                           {"activation", a->activation, HESSE_ACT_NONE},
                           {"kernel", t->kernel, HESSE_KERNEL_GAUSSIAN},
                           {"batch_norm", a->batch_norm, HESSE_BATCH_NORM_EVALUATION},
                           {"loss", a->loss, HESSE_LOSS_SQUARED_ERROR},
                           {"n_widths", a->n_widths, HESSE_MOST_WIDTHS},
                           {"n_dense", a->n_dense, HESSE_MOST_DENSE},
                           {"layers", a->layers, INT_MAX},
                           {"width", a->width, INT_MAX},
                           {"inner", a->inner, INT_MAX},
                           {"vocabulary", a->vocabulary, INT_MAX},
                           {"positions", a->positions, INT_MAX},
                           {"heads", t->heads, INT_MAX},
                           {"kv_heads", t->kv_heads, INT_MAX},
                           {"size of a head", t->size, INT_MAX},
                           {"value_size", t->value_size, INT_MAX},
                           {"inputs", a->inputs, INT_MAX},
                           {"rows", a->rows, INT_MAX},
                           {"cols", a->cols, INT_MAX},
                           {"outputs", a->outputs, INT_MAX},
                           {"types", a->types, INT_MAX},
                           {"patch", a->patch, INT_MAX},
                           {"token_inner", a->token_inner, INT_MAX},
                           {"pool", a->pool, INT_MAX}};
    const double reals[] = {t->temperature, t->rope_theta, a->norm_eps, a->deviation};
    hesse_status s = check_numbers(sizeof list / sizeof *list, list, why);
    if (!s) s = check_sizes("widths", a->n_widths, a->widths, why);
    if (!s) s = check_sizes("dense", a->n_dense, a->dense, why);
    for (size_t i = 0; !s && i < sizeof reals / sizeof *reals; i++)
        if (!(reals[i] >= 0 && isfinite(reals[i])))
            s = hesse_fail(
                why, HESSE_E_JOB,
                "a temperature, theta, epsilon or deviation is %g, expected 0 "
                "or more",
                reals[i]);
    return s;
}

static hesse_status check_source(const hesse_source *x, hesse_why *why)
{
    if (!x || !x->arch)
        return hesse_fail(why, HESSE_E_JOB, "a model needs a source that has an arch");
    const int data = !!x->tokens + !!x->text + !!x->inputs + !!x->images + !!x->texts +
                     !!x->eigenvalues + (x->recipe.generator != HESSE_GENERATOR_NONE);
    const hesse_recipe *r = &x->recipe;
    const number list[] = {{"reduction", x->reduction, HESSE_SUM_OF_BATCHES},
                           {"generator", r->generator, HESSE_GENERATOR_PATHFINDER},
                           {"covariates", r->covariates, HESSE_COVARIATES_GAMMA},
                           {"n_texts", x->n_texts, x->texts ? INT_MAX : 0},
                           {"features", r->features, INT_MAX},
                           {"classes", r->classes, INT_MAX},
                           {"examples", r->examples, INT_MAX},
                           {"contour", r->contour, INT_MAX},
                           {"image_size", x->image_size, INT_MAX},
                           {"image_classes", x->image_classes, INT_MAX},
                           {"sequences", x->sequences, INT_MAX},
                           {"context", x->context, INT_MAX},
                           {"batch", x->batch, INT_MAX}};
    hesse_status s = check_arch(x->arch, why);
    if (!s) s = check_numbers(sizeof list / sizeof *list, list, why);
    for (int i = 0; !s && i < x->n_texts; i++)
        if (!x->texts[i])
            s = hesse_fail(why, HESSE_E_JOB, "texts: path %d is missing", i);
    if (!s && data != 1)
        s = hesse_fail(why, HESSE_E_JOB, "a source has an arch, and data of one kind");
    if (!s &&
        !(x->mask_rate >= 0 && x->mask_rate <= 1 && r->noise >= 0 && r->shape >= 0))
        s = hesse_fail(why, HESSE_E_JOB,
                       "mask_rate is %g, noise %g, shape %g, expected 0 or more, and a "
                       "rate of at most 1",
                       x->mask_rate, r->noise, r->shape);
    return s;
}

hesse_status hesse_model_open(hesse_team *team, const hesse_source *source,
                              hesse_model **model)
{
    if (!team) return HESSE_E_JOB;
    hesse_status s = check_source(source, &team->why);
    if (!s && !model) s = hesse_fail(&team->why, HESSE_E_JOB, "a model needs a place");
    if ((s = hesse_agree(team, s))) return s;
    hesse_safetensors *file = NULL;
    hesse_model *m = hesse_calloc(1, sizeof *m);
    if (!m)
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
    return i < 0 || i >= m->params.count ? NULL : m->params.list[i].name;
}

size_t hesse_model_parameter_first(const hesse_model *m, int i)
{
    return i < 0 || i >= m->params.count ? 0 : m->params.list[i].offset;
}

size_t hesse_model_parameter_size(const hesse_model *m, int i)
{
    return i < 0 || i >= m->params.count ? 0 : hesse_param_size(&m->params.list[i]);
}

hesse_status hesse_model_product(hesse_model *m, hesse_kinds part, int k,
                                 const double *v, double *hv)
{
    if (!m) return HESSE_E_JOB;
    hesse_team *team = m->team;
    hesse_product *product = NULL;
    hesse_piece *all = hesse_pieces_of_all(&m->params);
    hesse_status s = HESSE_OK;
    if (!part || part & ~HESSE_ALL || k < 1 || !v || !hv || !m->theta)
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
