/* Rank 0 reads config and checkpoint. The architecture is plain data, and rank 0 sends
   it to the others. From it every rank lists the same parameters. */
#include "objective/network.h"

#include "base/memory.h"
#include "data/choose.h"
#include "files/file.h"
#include "network/families/config.h"
#include "network/families/families.h"
#include "network/graph_json.h"
#include "network/layout.h"
#include "network/partition.h"
#include "network/weights.h"
#include "parallel/team.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 24 }; /* the limit of every size */

/* The family judges if the sizes fit one another. */
static hesse_status check_sizes(const hesse_arch *a, hesse_why *why)
{
    const hesse_attention *t = &a->attention;
    const hesse_limits sizes[] = {
        {"number of layers", a->layers, 0, MOST},
        {"width", a->width, 0, MOST},
        {"inner width", a->inner, 0, MOST},
        {"vocabulary", a->vocabulary, 0, MOST},
        {"number of positions", a->positions, 0, MOST},
        {"number of token types", a->types, 0, MOST},
        {"number of heads", t->heads, 0, MOST},
        {"number of key and value heads", t->kv_heads, 0, MOST},
        {"size of a head", t->size, 0, MOST},
        {"size of a head's values", t->value_size, 0, MOST},
        {"number of inputs", a->data.inputs, 0, MOST},
        {"number of rows", a->data.rows, 0, MOST},
        {"number of columns", a->data.cols, 0, MOST},
        {"number of outputs", a->data.outputs, 0, MOST},
        {"size of a patch", a->image.patch, 0, MOST},
        {"inner width over tokens", a->image.token_inner, 0, MOST},
        {"grid of the position table", a->image.grid, 0, MOST},
        {"size after pooling", a->image.pool, 0, MOST},
        {"temperature of attention", t->temperature, 0, DBL_MAX},
        {"base of the rotary angles", t->rope_theta, 0, DBL_MAX},
        {"epsilon of normalisation", a->norm_eps, 0, DBL_MAX},
        {"deviation of initial values", a->deviation, 0, DBL_MAX},
        {"deviation of embeddings", a->embedding_deviation, 0, DBL_MAX}};
    const hesse_arch_lists *l = &a->lists;
    hesse_status s = hesse_check_limits(sizes, sizeof sizes / sizeof *sizes, why);
    for (int i = 0; !s && i < l->n_widths; i++)
        s = hesse_check_limits(
            &(hesse_limits){"entry of the widths", l->widths[i], 0, MOST}, 1, why);
    for (int i = 0; !s && i < l->n_dense; i++)
        s = hesse_check_limits(
            &(hesse_limits){"width of a dense layer", l->dense[i], 0, MOST}, 1, why);
    for (int i = 0; !s && i < l->n_multipliers; i++)
        s = hesse_check_limits(&(hesse_limits){"multiplier of a layer",
                                               l->multipliers[i], -DBL_MAX, DBL_MAX},
                               1, why);
    return s;
}

static hesse_status check_source(const hesse_network_source *source, const void *place,
                                 hesse_why *why)
{
    if (!source || !place)
        return hesse_fail(why, HESSE_E_JOB, "a network needs a source and a place");
    if (!source->arch || !hesse_arch_is_sound(source->arch))
        return hesse_fail(why, HESSE_E_JOB,
                          "a network needs an architecture whose family, activation, "
                          "kernel, loss and batch normalisation exist");
    if (hesse_family_of(source->arch)->fit && !source->graph)
        return hesse_fail(why, HESSE_E_JOB, "model: the family graph needs a graph");
    return check_sizes(source->arch, why);
}

/* Collective. Read the graph of a network of the family graph; the others have none. */
static hesse_status read_graph(hesse_team *team, const hesse_network_source *source,
                               hesse_graph **graph)
{
    char *text = NULL;
    size_t length = 0;
    hesse_status s = HESSE_OK;
    *graph = NULL;
    if (!hesse_family_of(source->arch)->fit) return HESSE_OK;
    if (team->rank == 0)
        s = hesse_graph_load(source->graph, &text, &length, &team->why);
    s = hesse_agree(team, s);
    if (s) return s;
    hesse_team_broadcast(team, 0, &length, sizeof length);
    if (team->rank) text = hesse_calloc(length, 1);
    if (!text)
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "%s: out of memory for a graph",
                       source->graph);
    s = hesse_agree(team, s);
    if (!s) hesse_team_broadcast(team, 0, text, length);
    if (!s) s = hesse_graph_parse(source->graph, text, length, graph, &team->why);
    free(text);
    s = hesse_agree(team, s);
    if (!s) return HESSE_OK;
    hesse_graph_free(*graph);
    *graph = NULL;
    return s;
}

/* Fill in everything that follows from the family and the number of heads. */
static void complete(hesse_arch *arch)
{
    hesse_family_complete(arch);
    if (!arch->attention.kv_heads) arch->attention.kv_heads = arch->attention.heads;
}

/* Local to rank 0. Keys that are not in the config have the values of the source. */
static hesse_status read_arch(const hesse_network_source *source,
                              const hesse_graph *graph, hesse_arch *arch,
                              hesse_why *why)
{
    const hesse_arch *asked = source->arch;
    *arch = *asked;
    arch->graph = graph;
    complete(arch);
    if (!source->config) return HESSE_OK;
    const hesse_status s = hesse_config_read(source->config, arch, why);
    arch->attention.temperature = asked->attention.temperature;
    arch->attention.full = asked->attention.full;
    arch->attention.kernel = asked->attention.kernel;
    arch->deviation = asked->deviation;
    arch->embedding_deviation = asked->embedding_deviation;
    arch->norm_place = asked->norm_place, arch->no_residual = asked->no_residual;
    arch->mean_pooling = asked->mean_pooling;
    arch->head_bias = asked->head_bias;
    arch->image.grid = asked->image.grid;
    arch->task = asked->task;
    arch->seeded_head = asked->seeded_head;
    arch->data.loss = asked->data.loss;
    return s;
}

hesse_status hesse_network_needs(hesse_team *team, const hesse_network_source *source,
                                 hesse_data_needs *needs)
{
    if (!team) return HESSE_E_JOB;
    hesse_arch arch = {0};
    hesse_graph *graph = NULL;
    hesse_status s = hesse_agree(team, check_source(source, needs, &team->why));
    if (!s) s = read_graph(team, source, &graph);
    if (!s && team->rank == 0) s = read_arch(source, graph, &arch, &team->why);
    s = hesse_agree(team, s);
    if (!s && team->rank == 0) *needs = hesse_family_needs(&arch);
    hesse_graph_free(graph);
    if (s) return s;
    needs->trained = source->config || source->checkpoint;
    hesse_team_broadcast(team, 0, needs, sizeof *needs);
    return HESSE_OK;
}

/* Local to rank 0. Read the architecture and fit it to the data and to the checkpoint,
   which stays open. */
static hesse_status read_shape(const hesse_network_source *source,
                               const hesse_dataset *dataset, hesse_network *n,
                               hesse_safetensors **file, hesse_why *why)
{
    hesse_arch *arch = &n->arch;
    hesse_status s = read_arch(source, n->graph, arch, why);
    if (!s && source->checkpoint) {
        s = hesse_safetensors_open(source->checkpoint, file, why);
        if (!s) s = hesse_weights_probe(*file, source->checkpoint, arch, why);
    }
    if (!source->checkpoint) arch->layout = hesse_layout_of(arch);
    if (!s) hesse_family_settle(arch);
    const bool told = arch->data.outputs > 0;
    if (!s && dataset) s = hesse_family_fit(arch, &dataset->all, why);
    if (!s && !dataset) s = hesse_family_is_told(arch, why);
    if (!s && *file)
        s = hesse_weights_widen(*file, source->checkpoint, arch, told, why);
    return s;
}

/* Checkpoints have statistics of batch normalisation also if training mode computes
   them from the batch. Then they are only kept to be written again. */
static bool needs_buffers(const hesse_network *n)
{
    return n->graph || n->arch.image.batch_norm != HESSE_BATCH_NORM_TRAINING;
}

static hesse_status list_buffers(hesse_network *n, hesse_why *why)
{
    hesse_arch arch = n->arch;
    if (!needs_buffers(n)) arch.image.batch_norm = HESSE_BATCH_NORM_EVALUATION;
    return hesse_buffers_new(&arch, &n->buffers, why);
}

static bool has_buffers(const hesse_network *n, const hesse_safetensors *file)
{
    bool all = true;
    for (int i = 0; all && i < n->buffers.count; i++)
        all = hesse_layout_find(file, &n->arch, &n->buffers.list[i]);
    return all;
}

/* Local. List the tensors, and allocate their values unless it is an outline. */
static hesse_status list_tensors(hesse_network *n, const hesse_network_source *source,
                                 hesse_why *why)
{
    hesse_status s = hesse_params_new(&n->arch, &n->params, why);
    if (!s && source->n_groups)
        s = hesse_params_group(&n->params, source->groups, source->n_groups, why);
    if (!s) s = list_buffers(n, why);
    if (s || source->outline) return s;
    n->theta = hesse_alloc(n->params.size);
    n->constants = hesse_alloc(n->buffers.size);
    if (n->theta && n->constants) return HESSE_OK;
    return hesse_fail(why, HESSE_E_NOMEM, "%zu bytes for %zu parameters are not there",
                      n->params.size * sizeof(double), n->params.size);
}

/* Local to rank 0. Check the checkpoint of an outline. */
static hesse_status check_outline(const hesse_network_source *source, hesse_network *n,
                                  const hesse_safetensors *file,
                                  const hesse_tensors lists[2], hesse_why *why)
{
    hesse_status s = hesse_weights_check(file, source->checkpoint, &n->arch, lists, 2,
                                         &n->note, why);
    if (s || !*n->note.text) return s;
    n->ignored = hesse_graph_new(0);
    if (n->ignored) s = hesse_weights_note(file, &n->arch, lists, 2, n->ignored, why);
    if (!s && (!n->ignored || n->ignored->exhausted))
        s = hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", source->checkpoint);
    return s;
}

/* Local to rank 0. Read the values of the tensors, or draw them. For an outline, only
   check the checkpoint. */
static hesse_status read_values(const hesse_network_source *source, hesse_network *n,
                                const hesse_safetensors *file, hesse_why *why)
{
    if (file && !source->outline && n->arch.seeded_head)
        hesse_params_init(&n->params, source->seed, n->theta);
    if (file) {
        if (!needs_buffers(n) && !has_buffers(n, file)) hesse_params_free(&n->buffers);
        const hesse_tensors lists[] = {{.list = &n->params, .values = n->theta},
                                       {.list = &n->buffers, .values = n->constants}};
        return source->outline
                   ? check_outline(source, n, file, lists, why)
                   : hesse_weights_read(file, source->checkpoint, &n->arch, lists, 2,
                                        &n->note, n->checkpoint, why);
    }
    if (source->outline) return HESSE_OK;
    hesse_params_init(&n->params, source->seed, n->theta);
    hesse_params_init(&n->buffers, source->seed, n->constants);
    return HESSE_OK;
}

/* Collective. Rank 0 sends the values to all ranks. */
static void tell_values(hesse_team *team, hesse_network *n)
{
    hesse_team_broadcast(team, 0, &n->note, sizeof n->note);
    hesse_team_broadcast(team, 0, n->checkpoint, sizeof n->checkpoint);
    if (!n->theta) return;
    int buffers = n->buffers.count; /* rank 0 may have found none */
    hesse_team_broadcast(team, 0, &buffers, sizeof buffers);
    if (!buffers) hesse_params_free(&n->buffers);
    hesse_team_broadcast(team, 0, n->theta, n->params.size * sizeof *n->theta);
    hesse_team_broadcast(team, 0, n->constants, n->buffers.size * sizeof *n->constants);
}

hesse_status hesse_network_open(hesse_team *team, const hesse_network_source *source,
                                const hesse_dataset *dataset, hesse_network **network)
{
    if (!team) return HESSE_E_JOB;
    hesse_safetensors *file = NULL;
    hesse_network *n = hesse_calloc(1, sizeof *n);
    hesse_status s = check_source(source, network, &team->why);
    if (network) *network = NULL;
    if (!s && !n)
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for a network");
    s = hesse_agree(team, s);
    if (!s) s = read_graph(team, source, &n->graph);
    if (!s && team->rank == 0) s = read_shape(source, dataset, n, &file, &team->why);
    s = hesse_agree(team, s);
    if (!s) {
        hesse_team_broadcast(team, 0, &n->arch, sizeof n->arch);
        n->arch.graph = n->graph;
        s = hesse_agree(team, list_tensors(n, source, &team->why));
    }
    if (!s && team->rank == 0) s = read_values(source, n, file, &team->why);
    s = hesse_agree(team, s);
    hesse_safetensors_close(file);
    if (!s) tell_values(team, n);
    if (s)
        hesse_network_free(n);
    else
        *network = n;
    return s;
}

hesse_status hesse_network_reload(hesse_team *team, hesse_network *n,
                                  const hesse_network_source *source)
{
    if (!team) return HESSE_E_JOB;
    hesse_safetensors *file = NULL;
    hesse_status s = HESSE_OK;
    if (!n || !n->theta || !source || !source->checkpoint || source->outline)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "other values need a network with parameters and a checkpoint");
    if (!s && team->rank == 0) {
        s = hesse_safetensors_open(source->checkpoint, &file, &team->why);
        if (!s) s = read_values(source, n, file, &team->why);
    }
    s = hesse_agree(team, s);
    hesse_safetensors_close(file);
    if (!s) tell_values(team, n);
    return s;
}

hesse_status hesse_network_read_state(hesse_team *team, const hesse_network *n,
                                      const char *path, const char *ending,
                                      double **values, char *digest)
{
    hesse_safetensors *file = NULL;
    double *numbers = hesse_alloc(n->params.size);
    hesse_status s = HESSE_OK;
    *values = NULL;
    if (!numbers)
        s = hesse_fail(&team->why, HESSE_E_NOMEM,
                       "%zu bytes for the numbers of %s are not there",
                       n->params.size * sizeof *numbers, path);
    if (!s && team->rank == 0) s = hesse_safetensors_open(path, &file, &team->why);
    if (!s && team->rank == 0)
        s = hesse_weights_read_state(file, path, &n->arch, &n->params, ending, numbers,
                                     digest, &team->why);
    hesse_safetensors_close(file);
    s = hesse_agree(team, s);
    if (s) {
        free(numbers);
        return s;
    }
    hesse_team_broadcast(team, 0, numbers, n->params.size * sizeof *numbers);
    hesse_team_broadcast(team, 0, digest, HESSE_DIGEST_LENGTH);
    *values = numbers;
    return HESSE_OK;
}

void hesse_network_free(hesse_network *n)
{
    if (!n) return;
    hesse_params_free(&n->params);
    hesse_params_free(&n->buffers);
    hesse_graph_free(n->graph);
    hesse_graph_free(n->ignored);
    free(n->theta);
    free(n->constants);
    free(n);
}

size_t hesse_network_size(const hesse_network *n)
{
    return n->params.size;
}

const double *hesse_network_values(const hesse_network *n)
{
    return n->theta;
}

const hesse_params *hesse_network_params(const hesse_network *n)
{
    return &n->params;
}

const hesse_arch *hesse_network_arch(const hesse_network *n)
{
    return &n->arch;
}

const char *hesse_network_digest(const hesse_network *n)
{
    return n->checkpoint;
}

const char *hesse_network_note(const hesse_network *n)
{
    return n->note.text;
}

int hesse_network_tensors(const hesse_network *n)
{
    return n->params.count;
}

const char *hesse_network_tensor_name(const hesse_network *n, int i)
{
    return i >= 0 && i < n->params.count ? n->params.list[i].name : NULL;
}

size_t hesse_network_tensor_first(const hesse_network *n, int i)
{
    return i >= 0 && i < n->params.count ? n->params.list[i].offset : 0;
}

size_t hesse_network_tensor_size(const hesse_network *n, int i)
{
    return i >= 0 && i < n->params.count ? hesse_param_size(&n->params.list[i]) : 0;
}

/* Tell in the graph of a family what its name and its checkpoint say. */
static hesse_status tell_reading(const hesse_network *n, hesse_graph *graph,
                                 hesse_why *why)
{
    const hesse_data_needs needs = hesse_family_needs(&n->arch);
    if (n->graph) return HESSE_OK; /* it tells it already */
    graph->reading =
        (hesse_graph_reading){.pad = needs.pad,
                              .positions_skip_padding = needs.positions_skip_padding,
                              .masked = needs.masked,
                              .numbers = n->arch.data.loss == HESSE_LOSS_REGRESSION};
    if (!n->ignored) return HESSE_OK;
    const hesse_graph_extras *e = &n->ignored->extras;
    for (int i = 0; i < e->count; i++) hesse_graph_ignore(graph, e->names[i]);
    strcpy(graph->extras.copy, e->copy);
    strcpy(graph->extras.original, e->original);
    return graph->exhausted
               ? hesse_fail(why, HESSE_E_NOMEM, "out of memory for a graph")
               : HESSE_OK;
}

hesse_status hesse_network_print(const hesse_network *n, int tokens, FILE *file,
                                 hesse_why *why)
{
    hesse_graph *graph = NULL;
    if (!n || !file)
        return hesse_fail(why, HESSE_E_JOB, "a graph needs a network and a file");
    if (tokens < 1 || tokens > MOST)
        return hesse_fail(why, HESSE_E_JOB,
                          "an example has %d tokens, expected 1 to %d", tokens, MOST);
    hesse_status s = hesse_family_graph(&n->arch, tokens, &graph, why);
    if (!s) s = tell_reading(n, graph, why);
    if (!s) s = hesse_graph_print(graph, file, why);
    hesse_graph_free(graph);
    return s;
}

/* Local to rank 0. Only the way in which the file stores its tensors is taken from it;
   the sizes stay those of the network. */
static hesse_status read_other(const hesse_network *n, const char *path, double *values,
                               hesse_why *why)
{
    hesse_safetensors *file = NULL;
    hesse_why note;
    char digest[HESSE_DIGEST_LENGTH];
    hesse_arch found = n->arch, arch = n->arch;
    double *buffers = hesse_alloc(n->buffers.size);
    hesse_status s = HESSE_OK;
    if (!buffers) s = hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    if (!s) s = hesse_safetensors_open(path, &file, why);
    if (!s) s = hesse_weights_probe(file, path, &found, why);
    if (!s) s = hesse_weights_widen(file, path, &found, true, why);
    if (!s) {
        arch.layout = found.layout;
        arch.seeded_head = false;
        const hesse_tensors lists[] = {{.list = &n->params, .values = values},
                                       {.list = &n->buffers, .values = buffers}};
        const bool both = n->buffers.count && has_buffers(n, file);
        s = values ? hesse_weights_read(file, path, &arch, lists, both ? 2 : 1, &note,
                                        digest, why)
                   : hesse_weights_check(file, path, &arch, lists, both ? 2 : 1, &note,
                                         why);
    }
    hesse_safetensors_close(file);
    free(buffers);
    return s;
}

hesse_status hesse_network_read(hesse_team *team, const hesse_network *n,
                                const char *path, double *values)
{
    if (!team) return HESSE_E_JOB;
    hesse_status s = HESSE_OK;
    if (!n || !path)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "reading parameters needs a network and a path");
    if (!s && team->rank == 0) s = read_other(n, path, values, &team->why);
    s = hesse_agree(team, s);
    if (!s && values)
        hesse_team_broadcast(team, 0, values, n->params.size * sizeof *values);
    return s;
}

hesse_status hesse_network_write(hesse_team *team, const hesse_network *n,
                                 const double *values, hesse_float format,
                                 const char *path)
{
    if (!team) return HESSE_E_JOB;
    hesse_status s = HESSE_OK;
    if (!n || !path)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "a checkpoint needs a network and a path");
    else if (format != HESSE_F64 && format != HESSE_F32)
        s = hesse_fail(&team->why, HESSE_E_JOB, "number format %d of a checkpoint",
                       (int)format);
    else if (team->rank == 0 && (!values || !n->constants))
        s = hesse_fail(&team->why, HESSE_E_JOB, "%s: there are no values to write",
                       path);
    if (!s && team->rank == 0) {
        const hesse_tensors lists[] = {{.list = &n->params, .values = (double *)values},
                                       {.list = &n->buffers, .values = n->constants}};
        s = hesse_weights_write(path, &n->arch, lists, 2, NULL,
                                format == HESSE_F64 ? 8 : 4, &team->why);
    }
    return hesse_agree(team, s);
}
