/* Linear regression in context: an example has tokens (x, y) with y = w . x, and then
   the question (x, 0). Its target is -w . x, with the sign that the source uses. With a
   teacher, which is a fixed network, y = w . teacher(x).
   Source: Ahn et al., arXiv:2310.01082. */
#include "data/drawn.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static const hesse_owned_key keys[] = {
    {"features", "5"}, {"examples", "20"}, {"covariates", "normal"},
    {"shape", NULL},   {"teacher", NULL},  {"teacher_seed", "7"},
    {NULL, NULL}};

static const double usual_shape = 0.1;

static hesse_data_reader read_examples;

const hesse_data_kind hesse_data_regression = {
    .name = "regression",
    .help =
        "Tokens (x, w . x) of a linear regression, and a last x whose value is to be "
        "predicted.",
    .examples = 1 << HESSE_READS_NUMBERS,
    .drawn = true,
    .keys = keys,
    .read = read_examples};

hesse_gamma hesse_regression_gamma(const hesse_recipe *recipe)
{
    const double shape = recipe->shape == 0 ? usual_shape : recipe->shape;
    return (hesse_gamma){.shape = shape, .scale = sqrt(10 / shape)};
}

/* A number of the gamma distribution of shape k and scale 1; below shape 1 a number
   of shape k + 1 is made smaller.
   Source: Marsaglia & Tsang, A simple method for generating gamma variables, ACM
   TOMS 26 (2000), 363-372. */
static double gamma_number(hesse_random_stream *stream, double k)
{
    const double less = k < 1 ? pow(1 - hesse_draw(stream), 1 / k) : 1;
    const double d = (k < 1 ? k + 1 : k) - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = hesse_draw_normal(stream), u = 1 - hesse_draw(stream);
        const double v = (1 + c * x) * (1 + c * x) * (1 + c * x);
        if (v > 0 && log(u) < 0.5 * x * x + d - d * v + d * log(v)) return d * v * less;
    }
}

static void draw_covariates(const hesse_recipe *r, hesse_random_stream *stream,
                            double *x)
{
    const int n = r->features;
    hesse_draw_normals(stream, n, x);
    if (r->covariates == HESSE_COVARIATES_NORMAL) return;
    double length = 1 / hesse_drawn_norm(n, x);
    if (r->covariates == HESSE_COVARIATES_GAMMA) {
        const hesse_gamma gamma = hesse_regression_gamma(r);
        length *= sqrt(gamma.scale * gamma_number(stream, gamma.shape));
    }
    hesse_drawn_scale(n, length, x);
}

/* A network of d x H neurons and back, h = W2 relu(W1 x + b1) + b2: its weights, W1,
   b1, W2, b2 one after the other, and room for its hidden layer and its values. */
typedef struct teacher {
    int d, inner; /* inner 0: the values are x */
    double *weights, *hidden, *values;
} teacher;

/* PyTorch's initial values of linear layers, uniform within 1 / sqrt(inputs). They do
   not depend on the seed of the examples. */
static bool teacher_new(const hesse_recipe *r, teacher *t)
{
    const size_t d = (size_t)r->features, inner = (size_t)r->teacher;
    const size_t first = inner * (d + 1), size = first + d * (inner + 1);
    *t = (teacher){.d = r->features, .inner = r->teacher};
    if (!inner) return true;
    t->weights = hesse_alloc(size);
    t->hidden = hesse_alloc(inner);
    t->values = hesse_alloc(d);
    if (!t->weights || !t->hidden || !t->values) return false;
    for (size_t i = 0; i < size; i++)
        t->weights[i] =
            (2 * hesse_uniform(r->teacher_seed, HESSE_RANDOM_TEACHER, i) - 1) /
            sqrt((double)(i < first ? d : inner));
    return true;
}

static void teacher_free(teacher *t)
{
    free(t->weights);
    free(t->hidden);
    free(t->values);
}

/* y = W x + b, with b behind W. */
static void affine(int in, int out, const double *weights, const double *x, double *y)
{
    for (int i = 0; i < out; i++) {
        y[i] = weights[(size_t)in * (size_t)out + (size_t)i];
        for (int j = 0; j < in; j++)
            y[i] += weights[(size_t)i * (size_t)in + (size_t)j] * x[j];
    }
}

/* What is labelled: the teacher's values of x, or x itself. */
static const double *labelled(const teacher *t, const double *x)
{
    if (!t->inner) return x;
    affine(t->d, t->inner, t->weights, x, t->hidden);
    for (int i = 0; i < t->inner; i++) t->hidden[i] = fmax(t->hidden[i], 0);
    affine(t->inner, t->d, t->weights + (size_t)t->inner * (size_t)(t->d + 1),
           t->hidden, t->values);
    return t->values;
}

/* One example; w is room for `features` numbers. Returns its target. */
static double draw_example(const hesse_recipe *r, const teacher *labels,
                           hesse_random_stream *stream, double *w, double *tokens)
{
    const int n = r->features;
    double y = 0;
    hesse_draw_normals(stream, n, w);
    for (int t = 0; t <= r->examples; t++) {
        double *x = tokens + t * (n + 1);
        draw_covariates(r, stream, x);
        const double *h = labelled(labels, x);
        y = 0;
        for (int i = 0; i < n; i++) y += w[i] * h[i];
        x[n] = t < r->examples ? y : 0;
    }
    return -y;
}

static hesse_status read_examples(const hesse_data_options *options,
                                  const hesse_data_needs *needs, hesse_batch *batch,
                                  hesse_why *why)
{
    const hesse_data_kind *kind = &hesse_data_regression;
    hesse_recipe r = options->recipe;
    if (!r.features) r.features = (int)hesse_data_default(kind, "features");
    if (!r.examples) r.examples = (int)hesse_data_default(kind, "examples");
    r.shape = hesse_regression_gamma(&r).shape;
    const hesse_limits limits[] = {
        {"number of features", r.features, 1, 1 << 20},
        {"number of examples", r.examples, 1, 1 << 20},
        {"shape", r.shape, 1e-300, 1e300},
        {"distribution of the inputs", r.covariates, 0, HESSE_COVARIATES_GAMMA},
        {"number of the teacher's neurons", r.teacher, 0, 1 << 20}};
    const hesse_batch form = {.context = r.examples + 1,
                              .width = r.features + 1,
                              .wanted_tokens = 1,
                              .wanted_width = 1};
    (void)needs;
    hesse_status s = hesse_drawn_begin(options, limits, sizeof limits / sizeof *limits,
                                       form, batch, why);
    if (s) return s;
    teacher labels;
    double *w = hesse_alloc((size_t)r.features);
    const bool good = teacher_new(&r, &labels) && w;
    const size_t each = (size_t)batch->context * (size_t)batch->width;
    for (int i = 0; good && i < batch->sequences; i++) {
        hesse_random_stream stream = hesse_random_stream_of(options->seed, (uint64_t)i);
        batch->wanted[i] =
            draw_example(&r, &labels, &stream, w, batch->x + (size_t)i * each);
    }
    teacher_free(&labels);
    free(w);
    if (!good)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for %d features",
                          r.features);
    return hesse_drawn_end(kind->name, options->seed, batch, why);
}
