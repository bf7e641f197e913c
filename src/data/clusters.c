/* The centre of a class does not depend on the number of examples.
   Source: Zhang et al., arXiv:2402.16788, networks of 8 neurons. */
#include "data/drawn.h"

static const hesse_owned_key keys[] = {
    {"features", "500"}, {"classes", "500"}, {"noise", "0.05"}, {NULL, NULL}};

static hesse_data_reader read_examples;

const hesse_data_kind hesse_data_clusters = {
    .name = "clusters",
    .help = "One token of numbers near the centre of its class, which lies on the unit "
            "sphere.",
    .examples = 1 << HESSE_READS_NUMBERS,
    .drawn = true,
    .keys = keys,
    .read = read_examples};

static void near_centre(hesse_random_stream *stream, int label, int n, double noise,
                        double *x)
{
    const uint64_t first = (uint64_t)label << 32;
    for (int i = 0; i < n; i++)
        x[i] = hesse_normal(stream->seed, (hesse_purpose)HESSE_RANDOM_CENTRES,
                            first + (uint64_t)i);
    hesse_drawn_scale(n, 1 / hesse_drawn_norm(n, x), x);
    for (int i = 0; i < n; i++) x[i] += noise * hesse_draw_normal(stream);
}

static hesse_status read_examples(const hesse_data_options *options,
                                  const hesse_data_needs *needs, hesse_batch *batch,
                                  hesse_why *why)
{
    const hesse_data_kind *kind = &hesse_data_clusters;
    const hesse_recipe *r = &options->recipe;
    const int features =
        r->features ? r->features : (int)hesse_data_default(kind, "features");
    const int classes =
        r->classes ? r->classes : (int)hesse_data_default(kind, "classes");
    const double noise = r->noise != 0 ? r->noise : hesse_data_default(kind, "noise");
    const hesse_limits limits[] = {{"number of features", features, 1, 1 << 20},
                                   {"number of classes", classes, 1, 1 << 20},
                                   {"noise", noise, 1e-300, 1e300}};
    const hesse_batch form = {
        .context = 1, .width = features, .labels = 1, .classes = classes};
    (void)needs;
    const hesse_status s = hesse_drawn_begin(options, limits, 3, form, batch, why);
    if (s) return s;
    for (int i = 0; i < batch->sequences; i++) {
        hesse_random_stream stream = hesse_random_stream_of(options->seed, (uint64_t)i);
        batch->target[i] = hesse_draw_integer(&stream, classes);
        near_centre(&stream, batch->target[i], features, noise,
                    batch->x + (size_t)i * (size_t)features);
    }
    return hesse_drawn_end(kind->name, options->seed, batch, why);
}
