#include "data/generate.h"

#include "base/memory.h"
#include "data/random_stream.h"
#include "data/tokens.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* A stream of random numbers beside those of dice.h. */
enum { CENTRES = HESSE_RANDOM_TASK + 2 };

enum { DIGITS = 5, PLUS = 10, EQUALS = 11, LENGTH = 3 * DIGITS + 3, MOST = 1 << 24 };

enum { BATCHES = 1 << 30 }; /* batches are numbered from there, examples before it */

static void normals(hesse_random_stream *d, int n, double *x)
{
    for (int i = 0; i < n; i++) x[i] = hesse_draw_normal(d);
}

static double norm(int n, const double *x)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

static void scale(int n, double a, double *x)
{
    for (int i = 0; i < n; i++) x[i] *= a;
}

static void random_labels(const hesse_recipe *r, hesse_random_stream *d, double *x,
                          int *label)
{
    *label = hesse_draw_whole(d, r->classes);
    normals(d, r->features, x);
}

/* The centre of a class does not depend on how many examples there are. */
static void near_centre(const hesse_recipe *r, hesse_random_stream *d, double *x,
                        int *label)
{
    const int n = r->features;
    const uint64_t first = (uint64_t)(*label = hesse_draw_whole(d, r->classes)) << 32;
    for (int i = 0; i < n; i++)
        x[i] = hesse_normal(d->seed, (hesse_purpose)CENTRES, first + (uint64_t)i);
    scale(n, 1 / norm(n, x), x);
    for (int i = 0; i < n; i++) x[i] += r->noise * hesse_draw_normal(d);
}

/* Of shape k and scale 1; below shape 1 a number of shape k + 1 is made smaller.
   Source: Marsaglia & Tsang, A simple method for generating gamma variables, ACM TOMS 26
   (2000), 363-372. */
static double gamma_number(hesse_random_stream *dice, double k)
{
    const double less = k < 1 ? pow(1 - hesse_draw(dice), 1 / k) : 1;
    const double d = (k < 1 ? k + 1 : k) - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = hesse_draw_normal(dice), u = 1 - hesse_draw(dice);
        const double v = (1 + c * x) * (1 + c * x) * (1 + c * x);
        if (v > 0 && log(u) < 0.5 * x * x + d - d * v + d * log(v)) return d * v * less;
    }
}

static void covariates(const hesse_recipe *r, hesse_random_stream *d, double *x)
{
    const int n = r->features;
    normals(d, n, x);
    if (r->covariates == HESSE_COVARIATES_NORMAL) return;
    double length = 1 / norm(n, x);
    if (r->covariates == HESSE_COVARIATES_GAMMA)
        length *= sqrt(sqrt(10 / r->shape) * gamma_number(d, r->shape));
    scale(n, length, x);
}

/* One prompt; w is room for `features` numbers. */
static double regress(const hesse_recipe *r, hesse_random_stream *d, double *w,
                      double *tokens)
{
    const int n = r->features;
    double y = 0;
    normals(d, n, w);
    for (int t = 0; t <= r->examples; t++) {
        double *x = tokens + t * (n + 1);
        covariates(r, d, x);
        y = 0;
        for (int i = 0; i < n; i++) y += w[i] * x[i];
        x[n] = t < r->examples ? y : 0;
    }
    return -y;
}

/* In one of five batches a fifth of the pairs of digits, without repetition, add up to 9:
   carries run on through them. */
static void force_carries(hesse_random_stream *d, int pairs, const int *a, int *b)
{
    if (hesse_draw_whole(d, 5)) return;
    int wanted = pairs / 5;
    for (int i = 0; i < pairs; i++)
        if (hesse_draw(d) * (pairs - i) < wanted) b[i] = 9 - a[i], wanted--;
}

static void write_sum(const int *a, const int *b, int *ids, int *labels)
{
    int carry = 0;
    ids[DIGITS] = PLUS, ids[2 * DIGITS + 1] = EQUALS;
    for (int i = DIGITS - 1; i >= 0; i--) {
        const int sum = a[i] + b[i] + carry;
        ids[i] = a[i], ids[DIGITS + 1 + i] = b[i];
        ids[2 * DIGITS + 3 + i] = sum % 10;
        carry = sum / 10;
    }
    ids[2 * DIGITS + 2] = carry;
    for (int i = 0; i < LENGTH; i++)
        labels[i] = i > 2 * DIGITS && i + 1 < LENGTH ? ids[i + 1] : HESSE_IGNORED;
}

static bool add_numbers(int count, int together, uint64_t seed, hesse_batch *b)
{
    const size_t pairs = (size_t)count * DIGITS;
    int *x = hesse_calloc(2 * pairs, sizeof *x);
    if (!x) return false;
    int *y = x + pairs;
    for (int s = 0; s < count; s++) {
        hesse_random_stream d = hesse_random_stream_of(seed, (uint64_t)s);
        for (int i = 0; i < DIGITS; i++) {
            x[s * DIGITS + i] = hesse_draw_whole(&d, 10);
            y[s * DIGITS + i] = hesse_draw_whole(&d, 10);
        }
    }
    for (int s = 0; s < count; s += together) {
        hesse_random_stream d = hesse_random_stream_of(seed, BATCHES + (uint64_t)s);
        const int here = together < count - s ? together : count - s;
        force_carries(&d, here * DIGITS, x + s * DIGITS, y + s * DIGITS);
    }
    for (int s = 0; s < count; s++)
        write_sum(x + s * DIGITS, y + s * DIGITS, b->input + s * LENGTH,
                  b->target + s * LENGTH);
    free(x);
    return true;
}

static bool draw_images(const hesse_recipe *r, uint64_t seed, hesse_batch *b)
{
    enum { PIXELS = HESSE_PATHFINDER_SIZE * HESSE_PATHFINDER_SIZE };
    unsigned char pixels[PIXELS];
    for (int s = 0; s < b->sequences; s++) {
        if (!hesse_pathfinder_draw(r->contour, seed, (uint64_t)s, pixels,
                                   &b->target[s]))
            return false;
        for (int i = 0; i < PIXELS; i++)
            b->x[(size_t)s * PIXELS + (size_t)i] = pixels[i] / 255.0;
    }
    return true;
}

/* What examples look like, before they are there. */
static hesse_batch form_of(const hesse_recipe *r, int count)
{
    const int size = HESSE_PATHFINDER_SIZE;
    switch (r->generator) {
    case HESSE_GENERATOR_REGRESSION:
        return (hesse_batch){.sequences = count,
                             .context = r->examples + 1,
                             .width = r->features + 1,
                             .wanted_tokens = 1,
                             .wanted_width = 1};
    case HESSE_GENERATOR_ADDITION:
        return (hesse_batch){.sequences = count,
                             .context = LENGTH,
                             .vocabulary = EQUALS + 1,
                             .labels = LENGTH,
                             .classes = EQUALS + 1};
    case HESSE_GENERATOR_PATHFINDER:
        return (hesse_batch){.sequences = count,
                             .context = size * size,
                             .width = 1,
                             .rows = size,
                             .cols = size,
                             .labels = 1,
                             .classes = 2};
    default:
        return (hesse_batch){.sequences = count,
                             .context = 1,
                             .width = r->features,
                             .labels = 1,
                             .classes = r->classes};
    }
}

static bool make_room(hesse_batch *b)
{
    const size_t examples = (size_t)b->sequences;
    const size_t tokens = examples * (size_t)b->context;
    const size_t wanted = examples * (size_t)b->wanted_tokens;
    const size_t labels = examples * (size_t)b->labels;
    if (b->vocabulary) b->input = hesse_calloc(tokens, sizeof *b->input);
    if (b->width) b->x = hesse_alloc(tokens * (size_t)b->width);
    if (labels) b->target = hesse_calloc(labels, sizeof *b->target);
    if (wanted) b->wanted = hesse_alloc(wanted);
    return (b->input || b->x) && (b->target || b->wanted);
}

static void fill(const hesse_recipe *r, uint64_t seed, double *w, hesse_batch *b)
{
    const size_t each = (size_t)b->context * (size_t)b->width;
    for (int s = 0; s < b->sequences; s++) {
        hesse_random_stream d = hesse_random_stream_of(seed, (uint64_t)s);
        double *x = b->x + (size_t)s * each;
        if (r->generator == HESSE_GENERATOR_REGRESSION)
            b->wanted[s] = regress(r, &d, w, x);
        else if (r->generator == HESSE_GENERATOR_CLUSTERS)
            near_centre(r, &d, x, &b->target[s]);
        else
            random_labels(r, &d, x, &b->target[s]);
    }
}

/* The usual sizes in place of 0. */
static hesse_recipe complete(hesse_recipe r)
{
    const bool regression = r.generator == HESSE_GENERATOR_REGRESSION;
    if (!r.features) r.features = regression ? 5 : 500;
    if (!r.classes) r.classes = 500;
    if (!r.examples) r.examples = 20;
    if (!r.contour) r.contour = 14;
    if (r.noise == 0) r.noise = 0.05;
    if (r.shape == 0) r.shape = 0.1;
    return r;
}

static hesse_status check(const hesse_recipe *r, int count, hesse_why *why)
{
    const struct {
        const char *name;
        int value, least, most;
    } numbers[] = {{"sequences", count, 1, MOST},
                   {"features", r->features, 1, 1 << 20},
                   {"classes", r->classes, 1, 1 << 20},
                   {"examples", r->examples, 1, 1 << 20},
                   {"contour", r->contour, 2, 20}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].value < numbers[i].least || numbers[i].value > numbers[i].most)
            return hesse_fail(why, HESSE_E_JOB, "data.%s is %d, expected %d to %d",
                              numbers[i].name, numbers[i].value, numbers[i].least,
                              numbers[i].most);
    if (r->shape > 0 && r->noise > 0) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB,
                      "data.shape is %g and data.noise is %g, expected above 0",
                      r->shape, r->noise);
}

/* Of the recipe and of what came of it. */
static bool describe(const hesse_recipe *r, uint64_t seed, hesse_batch *b)
{
    static const char *const names[] = {"none",       "gaussian", "clusters",
                                        "regression", "addition", "pathfinder"};
    hesse_digester *d = hesse_digest_begin();
    char text[64] = "";
    if (!d) return false;
    snprintf(text, sizeof text, "%s, seed %llu", names[r->generator],
             (unsigned long long)seed);
    hesse_digest_add(d, text, sizeof text);
    const size_t tokens = (size_t)b->sequences * (size_t)b->context;
    if (b->x) hesse_digest_add(d, b->x, tokens * (size_t)b->width * sizeof *b->x);
    if (b->input) hesse_digest_add(d, b->input, tokens * sizeof *b->input);
    hesse_digest_end(d, b->digest);
    return true;
}

hesse_status hesse_generate(const hesse_recipe *recipe, int count, int together,
                            uint64_t seed, hesse_batch *batch, hesse_why *why)
{
    const hesse_recipe r = complete(*recipe);
    hesse_status s = check(&r, count, why);
    *batch = (hesse_batch){0};
    if (s) return s;
    *batch = form_of(&r, count);
    double *w = hesse_alloc((size_t)r.features);
    bool good = make_room(batch) && w;
    if (good && r.generator == HESSE_GENERATOR_ADDITION)
        good = add_numbers(count, together > 0 ? together : count, seed, batch);
    else if (good && r.generator != HESSE_GENERATOR_PATHFINDER)
        fill(&r, seed, w, batch);
    else if (good && !draw_images(&r, seed, batch))
        s = hesse_fail(why, HESSE_E_JOB,
                       "no contours of %d segments were found that fit %d x %d pixels",
                       r.contour, HESSE_PATHFINDER_SIZE, HESSE_PATHFINDER_SIZE);
    if (good && !s) good = describe(&r, seed, batch);
    if (!good && !s)
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for %d examples", count);
    free(w);
    if (s) hesse_batch_free(batch);
    return s;
}
