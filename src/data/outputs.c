/* Tokens of normal numbers whose targets lie near the outputs of a network. The reader
   draws the tokens and the noise; the objective adds the outputs, because a dataset
   knows no network.
   Source: the regression loss of Song et al., arXiv:2411.07538, and a target that the
   initial network almost has. */
#include "data/drawn.h"

#include <math.h>

static const hesse_owned_key keys[] = {{"features", "32"},
                                       {"context", "4"},
                                       {"outputs", "4"},
                                       {"noise", "0.05"},
                                       {NULL, NULL}};

static hesse_data_reader read_examples;

const hesse_data_kind hesse_data_outputs = {
    .name = "outputs",
    .help = "Tokens of normal numbers; their targets are the outputs of the network at "
            "its initial values plus normal noise.",
    .examples = 1 << HESSE_READS_NUMBERS,
    .drawn = true,
    .near_outputs = true,
    .keys = keys,
    .read = read_examples};

static hesse_status read_examples(const hesse_data_options *options,
                                  const hesse_data_needs *needs, hesse_batch *batch,
                                  hesse_why *why)
{
    const hesse_data_kind *kind = &hesse_data_outputs;
    hesse_recipe r = options->recipe;
    const int context =
        options->context ? options->context : (int)hesse_data_default(kind, "context");
    if (!r.features) r.features = (int)hesse_data_default(kind, "features");
    if (!r.outputs) r.outputs = (int)hesse_data_default(kind, "outputs");
    if (r.noise == 0) r.noise = hesse_data_default(kind, "noise");
    const hesse_limits limits[] = {{"number of features", r.features, 1, 1 << 20},
                                   {"number of outputs", r.outputs, 1, 1 << 20},
                                   {"number of tokens", context, 1, 1 << 24},
                                   {"noise", r.noise, 1e-300, 1e300}};
    const hesse_batch form = {.context = context,
                              .width = r.features,
                              .wanted_tokens = context,
                              .wanted_width = r.outputs};
    (void)needs;
    const hesse_status s = hesse_drawn_begin(
        options, limits, sizeof limits / sizeof *limits, form, batch, why);
    if (s) return s;
    const int numbers = context * r.features, wanted = context * r.outputs;
    for (int i = 0; i < batch->sequences; i++) {
        hesse_random_stream stream = hesse_random_stream_of(options->seed, (uint64_t)i);
        double *x = batch->x + (size_t)i * (size_t)numbers,
               *y = batch->wanted + (size_t)i * (size_t)wanted;
        hesse_draw_normals(&stream, numbers, x);
        hesse_drawn_scale(numbers, 1 / sqrt(r.features), x);
        hesse_draw_normals(&stream, wanted, y);
        hesse_drawn_scale(wanted, r.noise, y);
    }
    batch->near_outputs = true;
    return hesse_drawn_end(kind->name, options->seed, batch, why);
}
