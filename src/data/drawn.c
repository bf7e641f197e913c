#include "data/drawn.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>

static hesse_status exhausted(const hesse_batch *b, hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for %d examples",
                      b->sequences);
}

hesse_status hesse_drawn_begin(const hesse_data_options *options,
                               const hesse_limits *limits, size_t n_limits,
                               hesse_batch form, hesse_batch *batch, hesse_why *why)
{
    const int count = options->sequences ? options->sequences : HESSE_USUAL_EXAMPLES;
    const hesse_limits sequences = {"number of sequences", count, 1,
                                    HESSE_MOST_EXAMPLES};
    hesse_status s = hesse_check_limits(&sequences, 1, why);
    if (!s) s = hesse_check_limits(limits, n_limits, why);
    if (s) return s;
    *batch = form;
    batch->sequences = count;
    const size_t examples = (size_t)count, tokens = examples * (size_t)form.context;
    const size_t labels = examples * (size_t)form.labels;
    const size_t wanted =
        examples * (size_t)form.wanted_tokens * (size_t)form.wanted_width;
    if (form.vocabulary) batch->input = hesse_calloc(tokens, sizeof *batch->input);
    if (form.width) batch->x = hesse_alloc(tokens * (size_t)form.width);
    if (labels) batch->target = hesse_calloc(labels, sizeof *batch->target);
    if (wanted) batch->wanted = hesse_alloc(wanted);
    if ((batch->input || batch->x) && (batch->target || batch->wanted)) return HESSE_OK;
    return exhausted(batch, why);
}

hesse_status hesse_drawn_end(const char *kind, uint64_t seed, hesse_batch *b,
                             hesse_why *why)
{
    hesse_digester *d = hesse_digest_begin();
    char text[64] = "";
    if (!d) return exhausted(b, why);
    snprintf(text, sizeof text, "%s, seed %llu", kind, (unsigned long long)seed);
    hesse_digest_add(d, text, sizeof text);
    const size_t tokens = (size_t)b->sequences * (size_t)b->context;
    if (b->x) hesse_digest_add(d, b->x, tokens * (size_t)b->width * sizeof *b->x);
    if (b->input) hesse_digest_add(d, b->input, tokens * sizeof *b->input);
    hesse_digest_end(d, b->digest);
    return HESSE_OK;
}

void hesse_draw_normals(hesse_random_stream *stream, int n, double *x)
{
    for (int i = 0; i < n; i++) x[i] = hesse_draw_normal(stream);
}

double hesse_drawn_norm(int n, const double *x)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

void hesse_drawn_scale(int n, double a, double *x)
{
    for (int i = 0; i < n; i++) x[i] *= a;
}
