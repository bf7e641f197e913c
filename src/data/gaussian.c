/* Source: Zhang et al., arXiv:2402.16788, networks of 8 neurons. */
#include "data/drawn.h"

static const hesse_owned_key keys[] = {
    {"features", "500"}, {"classes", "500"}, {"scale", "1"}, {NULL, NULL}};

static hesse_data_reader read_examples;

const hesse_data_kind hesse_data_gaussian = {
    .name = "gaussian",
    .help = "One token of normal numbers, with a label at random.",
    .examples = 1 << HESSE_READS_NUMBERS,
    .drawn = true,
    .keys = keys,
    .read = read_examples};

static hesse_status read_examples(const hesse_data_options *options,
                                  const hesse_data_needs *needs, hesse_batch *batch,
                                  hesse_why *why)
{
    const hesse_data_kind *kind = &hesse_data_gaussian;
    const hesse_recipe *r = &options->recipe;
    const int features =
        r->features ? r->features : (int)hesse_data_default(kind, "features");
    const int classes =
        r->classes ? r->classes : (int)hesse_data_default(kind, "classes");
    const double scale = r->scale > 0 ? r->scale : 1;
    const hesse_limits limits[] = {{"number of features", features, 1, 1 << 20},
                                   {"number of classes", classes, 1, 1 << 20}};
    const hesse_batch form = {
        .context = 1, .width = features, .labels = 1, .classes = classes};
    (void)needs;
    const hesse_status s = hesse_drawn_begin(options, limits, 2, form, batch, why);
    if (s) return s;
    for (int i = 0; i < batch->sequences; i++) {
        hesse_random_stream stream = hesse_random_stream_of(options->seed, (uint64_t)i);
        batch->target[i] = hesse_draw_integer(&stream, classes);
        double *x = batch->x + (size_t)i * (size_t)features;
        hesse_draw_normals(&stream, features, x);
        for (int j = 0; scale != 1 && j < features; j++) x[j] *= scale;
    }
    return hesse_drawn_end(kind->name, options->seed, batch, why);
}
