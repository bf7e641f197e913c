/* This prints the head of a file, and a table for every share of the Hessian; of a
   series a line for every step. tools/show_result.py prints the same. */
#include "output/show.h"

#include "hesse/distance.h"
#include "hesse/parts.h"
#include "hesse/spectrum.h"
#include "output/landscape.h"
#include "output/reader.h"
#include "output/schema.h"
#include "output/show_ranks.h"
#include "output/sweep.h"
#include "output/theory.h"
#include "output/train_log.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_LENGTH = 512, LONGEST_NAME = 56 };

/* The attributes that a reader wants to see first; the file has more. */
static const char *const HEAD[] = {"created",
                                   "command",
                                   "hesse_version",
                                   "git_commit",
                                   "host",
                                   "ranks",
                                   "blas",
                                   "model_family",
                                   "model_task",
                                   "model_loss",
                                   "model_layers",
                                   "model_heads",
                                   "model_width",
                                   "parameters",
                                   "checkpoint_note",
                                   "data_dtype",
                                   "data_layout",
                                   "data_vocabulary",
                                   "data_vocabulary_source",
                                   "data_mask",
                                   "data_labels",
                                   "images",
                                   "data_seed",
                                   "sequences",
                                   "context",
                                   "loss",
                                   "steps",
                                   "failed_steps",
                                   "partition",
                                   "scope",
                                   "precision",
                                   "wall_seconds",
                                   "train_optimiser",
                                   "train_learning_rate",
                                   "train_batch",
                                   "train_seed",
                                   "train_failure",
                                   "train_seconds"};

static void print_attribute(hid_t object, const char *name, FILE *out)
{
    char text[2048];
    hesse_reader_attribute(object, name, text, sizeof text);
    if (*text) fprintf(out, "  %-22s %s\n", name, text);
}

static void print_head(hesse_reader *r, FILE *out)
{
    hesse_reader_expect_result(r);
    if (r->status) return;
    fprintf(out, "%s\n", r->path);
    for (size_t i = 0; i < sizeof HEAD / sizeof *HEAD; i++)
        print_attribute(r->file, HEAD[i], out);
}

/* The numbers of a line, in the order of the table. The formats are those of printf. */
static const struct shown {
    const char *heading, *name;
    int width, digits;
    char format;
} SHOWN[] = {
    {"trace", "trace", 10, 2, 'e'},
    {"frobenius", "frobenius", 10, 2, 'e'},
    {"min", "min", 10, 2, 'e'},
    {"max", "max", 10, 2, 'e'},
    {"condition", "condition", 10, 2, 'e'},
    {"neg", "negative_mass", 6, 3, 'f'},
    {"rank", "effective_rank", 8, 1, 'f'},
    {"trace/par", "trace_per_parameter", 10, 2, 'e'},
    {"|gradient|", "gradient_norm", 11, 2, 'e'},
    {"seconds", "seconds", 8, 2, 'f'},
    {NULL, "check_trace", 0, 0, 0}, /* these make the last column */
    {NULL, "check_frobenius", 0, 0, 0},
    {NULL, "check_symmetry", 0, 0, 0},
};

enum { N_SHOWN = sizeof SHOWN / sizeof *SHOWN, N_NUMBERS = N_SHOWN - 3 };

/* The number of characters of a UTF-8 text, which is the number of bytes that do not
   continue a character. */
static int characters(const char *text)
{
    int count = 0;
    for (; *text; text++) count += (*text & 0xc0) != 0x80;
    return count;
}

/* A long name is cut at its beginning, because the names of blocks differ at the
   end. */
static void print_name(FILE *out, int width, const char *name)
{
    int left = characters(name);
    const bool cut = left > width;
    while (cut && left > width - 3) left -= (*++name & 0xc0) != 0x80;
    fprintf(out, "  %s%s%*s", cut ? "..." : "", name, cut ? 0 : width - left, "");
}

/* Print a number at the end of its column. One that would fill the column, and so touch
   the number before it, is printed with an exponent. */
static void print_number(FILE *out, int width, int digits, char format, double x)
{
    char text[64];
    int length =
        snprintf(text, sizeof text, format == 'e' ? "%.*e" : "%.*f", digits, x);
    for (int left = digits; length >= width && left > 0; left--)
        length = snprintf(text, sizeof text, "%.*e", left, x);
    fprintf(out, "%*s", width, text);
}

static void print_line(FILE *out, int width, const char *name, long long size,
                       const char *engine, hesse_precision precision,
                       const double *numbers)
{
    print_name(out, width, name);
    fprintf(out, " %7lld %-9s", size, engine);
    for (int i = 0; i < N_NUMBERS; i++)
        print_number(out, SHOWN[i].width, SHOWN[i].digits, SHOWN[i].format, numbers[i]);
    const double *checks = numbers + N_NUMBERS;
    const int n = size > 0 && size < INT32_MAX ? (int)size : 1;
    const bool hold = hesse_checks_hold(n, precision, checks[0], checks[1], checks[2]);
    fprintf(out, " %6s\n", isnan(checks[0]) ? "-" : hold ? "ok" : "WRONG");
}

static void print_headings(FILE *out, int width)
{
    fprintf(out, "  %-*s %7s %-9s", width, "block", "size", "engine");
    for (int i = 0; i < N_NUMBERS; i++)
        fprintf(out, "%*s", SHOWN[i].width, SHOWN[i].heading);
    fprintf(out, " %6s\n", "checks");
}

typedef struct table {
    size_t count, name_size, engine_size, estimated_size;
    char *names, *engines, *estimated; /* the last is NULL in files of schema 1 */
    int64_t *sizes, order;             /* order: their sum */
    double *numbers[N_SHOWN];
} table;

static void free_table(table *t)
{
    for (int i = 0; i < N_SHOWN; i++) free(t->numbers[i]);
    free(t->sizes);
    free(t->engines);
    free(t->estimated);
    free(t->names);
}

/* Add up the sizes of all blocks, which may be those of a damaged file. */
static int64_t order_of(hesse_reader *r, const int64_t *sizes, size_t count)
{
    int64_t order = 0;
    for (size_t b = 0; !r->status && b < count; b++) {
        if (sizes[b] < 0 || sizes[b] > INT64_MAX - order)
            hesse_reader_fail(r, "blocks/size", "sizes of the blocks of one network");
        else
            order += sizes[b];
    }
    return order;
}

static void read_table(hesse_reader *r, const char *prefix, table *t)
{
    char path[PATH_LENGTH];
    size_t count = 0;
    t->names = hesse_reader_set(r, "blocks/name", -1, &t->count, &t->name_size);
    t->sizes = hesse_reader_column(r, "blocks/size", H5T_NATIVE_INT64, t->count);
    t->order = order_of(r, t->sizes, t->count);
    snprintf(path, sizeof path, "%sblocks/engine", prefix);
    t->engines = hesse_reader_set(r, path, -1, &count, &t->engine_size);
    if (count != t->count) hesse_reader_fail(r, path, "an entry for every block");
    snprintf(path, sizeof path, "%sblocks/estimated", prefix);
    if (hesse_reader_has(r, path))
        t->estimated = hesse_reader_set(r, path, -1, &count, &t->estimated_size);
    if (count != t->count) hesse_reader_fail(r, path, "an entry for every block");
    for (int i = 0; i < N_SHOWN; i++) {
        snprintf(path, sizeof path, "%sblocks/%s", prefix, SHOWN[i].name);
        t->numbers[i] = hesse_reader_column(r, path, H5T_NATIVE_DOUBLE, t->count);
    }
}

static int name_width(const table *t)
{
    char name[PATH_LENGTH];
    int width = 6; /* of "(full)" */
    for (size_t b = 0; b < t->count; b++) {
        const int length =
            characters(hesse_reader_text(t->names, t->name_size, b, name, sizeof name));
        if (length > width) width = length;
    }
    return width < LONGEST_NAME ? width : LONGEST_NAME;
}

/* The full matrix has the size of all blocks together. */
static void print_full(hesse_reader *r, FILE *out, const char *prefix, int width,
                       long long order)
{
    char path[PATH_LENGTH], engine[32];
    double numbers[N_SHOWN];
    size_t n = 0, size;
    snprintf(path, sizeof path, "%sspectra/full", prefix);
    if (!hesse_reader_has(r, "spectra") || !hesse_reader_has(r, path)) return;
    for (int i = 0; i < N_SHOWN; i++) {
        snprintf(path, sizeof path, "%sspectra/full/%s", prefix, SHOWN[i].name);
        double *value = hesse_reader_column(r, path, H5T_NATIVE_DOUBLE, 1);
        numbers[i] = value ? *value : NAN;
        free(value);
    }
    snprintf(path, sizeof path, "%sspectra/full/engine", prefix);
    char *text = hesse_reader_set(r, path, -1, &n, &size);
    if (text) hesse_reader_text(text, size, 0, engine, sizeof engine);
    free(text);
    if (!r->status)
        print_line(out, width, "(full)", order, engine, hesse_reader_precision(r),
                   numbers);
}

/* An estimate is surprising if it was not asked for, but memory or time was too
   short. */
static bool is_surprising(const char *why)
{
    return strcmp(why, "no") != 0 && strcmp(why, "as asked") != 0;
}

static void print_estimated(hesse_reader *r, FILE *out, const char *prefix,
                            const table *t)
{
    enum { NAMED = 8 };
    char path[PATH_LENGTH], name[PATH_LENGTH], why[32] = "no";
    const char *before = "  estimated, not computed:";
    size_t n = 0, size, found = 0;
    for (size_t b = 0; t->estimated && b < t->count; b++) {
        hesse_reader_text(t->estimated, t->estimated_size, b, why, sizeof why);
        if (!is_surprising(why) || found++ >= NAMED) continue;
        hesse_reader_text(t->names, t->name_size, b, name, sizeof name);
        fprintf(out, "%s %s (%s)", before, name, why);
        before = ",";
    }
    if (found > NAMED) fprintf(out, " and %zu more blocks", found - NAMED);
    snprintf(path, sizeof path, "%sspectra/full/estimated", prefix);
    if (hesse_reader_has(r, "spectra") && hesse_reader_has(r, path)) {
        char *text = hesse_reader_set(r, path, -1, &n, &size);
        if (text) hesse_reader_text(text, size, 0, why, sizeof why);
        free(text);
        if (text && is_surprising(why))
            fprintf(out, "%s the full matrix (%s)", found++ ? "," : before, why);
    }
    if (found) fprintf(out, "\n");
}

static void print_distances(const hesse_reader *r, FILE *out, const char *prefix)
{
    char path[PATH_LENGTH], mean[64];
    int shown = 0;
    snprintf(path, sizeof path, "%smetrics", prefix);
    if (!hesse_reader_has(r, path)) return;
    for (int d = 0; d < HESSE_DISTANCES; d++) {
        const char *name = hesse_distance_name((hesse_distance)d);
        snprintf(path, sizeof path, "%smetrics/%s", prefix, name);
        if (!hesse_reader_has(r, path)) continue;
        const hid_t set = H5Dopen2(r->file, path, H5P_DEFAULT);
        hesse_reader_attribute(set, "js0", mean, sizeof mean);
        if (set >= 0) H5Dclose(set);
        fprintf(out, "%s %s %.4g", shown++ ? "," : "  mean over pairs of blocks:", name,
                atof(mean));
    }
    if (shown) fprintf(out, "\n");
}

/* Print the lines of blocks that were computed. */
static void print_blocks(FILE *out, const table *t, int width,
                         hesse_precision precision)
{
    char block[PATH_LENGTH], engine[32];
    double numbers[N_SHOWN];
    for (size_t b = 0; b < t->count; b++) {
        hesse_reader_text(t->names, t->name_size, b, block, sizeof block);
        hesse_reader_text(t->engines, t->engine_size, b, engine, sizeof engine);
        for (int i = 0; i < N_SHOWN; i++) numbers[i] = t->numbers[i][b];
        if (strcmp(engine, "none") != 0)
            print_line(out, width, block, t->sizes[b], engine, precision, numbers);
    }
}

/* Numbers of every block that only some jobs ask for. */
static const struct extra {
    const char *heading, *name;
    int width, digits;
    char format;
} EXTRAS[] = {
    {"condition before / here", "condition_ratio", 25, 2, 'e'},
    {"tail exponent", "tail_exponent", 15, 3, 'f'},
    {"from", "tail_minimum", 10, 2, 'e'},
    {"count", "tail_count", 7, 0, 'f'},
    {"KS", "tail_distance", 8, 3, 'f'},
};

enum { N_EXTRAS = sizeof EXTRAS / sizeof *EXTRAS, WIDTH_OF_COUNT = 16 };

/* The extra numbers of all blocks and, last, of the full matrix. */
typedef struct extras {
    double *numbers[N_EXTRAS]; /* [blocks]; NULL: not in the file */
    double full[N_EXTRAS];
    size_t values;
    double *value;                /* [values] eigenvalues below these are counted */
    int64_t *below, *uncertain;   /* [blocks][values] */
    int64_t *of_full, *near_full; /* [values]; NULL: there is no full matrix */
} extras;

static void *read_index(hesse_reader *r, const char *prefix, const char *name,
                        hid_t type, size_t count)
{
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%smeasures/index/%s", prefix, name);
    return hesse_reader_has(r, path) ? hesse_reader_column(r, path, type, count) : NULL;
}

static bool has_index(hesse_reader *r, const char *prefix)
{
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "%smeasures", prefix);
    if (!hesse_reader_has(r, path)) return false;
    snprintf(path, sizeof path, "%smeasures/index", prefix);
    return hesse_reader_has(r, path);
}

static void read_extras(hesse_reader *r, const char *prefix, size_t blocks, bool full,
                        extras *x)
{
    char path[PATH_LENGTH];
    size_t size;
    for (int i = 0; i < N_EXTRAS; i++) {
        snprintf(path, sizeof path, "%sblocks/%s", prefix, EXTRAS[i].name);
        if (!hesse_reader_has(r, path)) continue;
        x->numbers[i] = hesse_reader_column(r, path, H5T_NATIVE_DOUBLE, blocks);
        snprintf(path, sizeof path, "%sspectra/full/%s", prefix, EXTRAS[i].name);
        double *one = full ? hesse_reader_column(r, path, H5T_NATIVE_DOUBLE, 1) : NULL;
        x->full[i] = one ? *one : NAN;
        free(one);
    }
    if (!has_index(r, prefix)) return;
    snprintf(path, sizeof path, "%smeasures/index/value", prefix);
    x->value = hesse_reader_set(r, path, H5T_NATIVE_DOUBLE, &x->values, &size);
    const size_t all = blocks * x->values;
    x->below = read_index(r, prefix, "below", H5T_NATIVE_INT64, all);
    x->uncertain = read_index(r, prefix, "uncertain", H5T_NATIVE_INT64, all);
    x->of_full = read_index(r, prefix, "full_below", H5T_NATIVE_INT64, x->values);
    x->near_full = read_index(r, prefix, "full_uncertain", H5T_NATIVE_INT64, x->values);
    if (!x->below || !x->uncertain) x->values = 0;
}

static void free_extras(extras *x)
{
    for (int i = 0; i < N_EXTRAS; i++) free(x->numbers[i]);
    free(x->value);
    free(x->below);
    free(x->uncertain);
    free(x->of_full);
    free(x->near_full);
}

/* Print the counts of a block. A count in brackets tells how many eigenvalues are so
   near that rounding decides on their side. */
static void print_counts(FILE *out, size_t values, const int64_t *below,
                         const int64_t *uncertain)
{
    for (size_t i = 0; i < values; i++) {
        char text[48] = "-";
        if (below[i] >= 0)
            snprintf(text, sizeof text, uncertain[i] > 0 ? "%lld (%lld)" : "%lld",
                     (long long)below[i], (long long)uncertain[i]);
        fprintf(out, "%*s", WIDTH_OF_COUNT, text);
    }
    fprintf(out, "\n");
}

static void print_extra_numbers(FILE *out, const extras *x, size_t block, bool full)
{
    for (int i = 0; i < N_EXTRAS; i++)
        if (x->numbers[i])
            print_number(out, EXTRAS[i].width, EXTRAS[i].digits, EXTRAS[i].format,
                         full ? x->full[i] : x->numbers[i][block]);
}

static void print_extra_headings(FILE *out, int width, const extras *x)
{
    fprintf(out, "  %-*s", width, "block");
    for (int i = 0; i < N_EXTRAS; i++)
        if (x->numbers[i]) fprintf(out, "%*s", EXTRAS[i].width, EXTRAS[i].heading);
    for (size_t i = 0; i < x->values; i++) {
        char text[48];
        snprintf(text, sizeof text, "below %.3g", x->value[i]);
        fprintf(out, "%*s", WIDTH_OF_COUNT, text);
    }
    fprintf(out, "\n");
}

/* Print a table of the numbers that only some jobs ask for. */
static void print_extras(hesse_reader *r, FILE *out, const char *prefix, const table *t,
                         int width)
{
    char path[PATH_LENGTH], text[PATH_LENGTH];
    extras x = {.values = 0};
    snprintf(path, sizeof path, "%sspectra/full", prefix);
    const bool full = hesse_reader_has(r, "spectra") && hesse_reader_has(r, path);
    read_extras(r, prefix, t->count, full, &x);
    bool any = x.values;
    for (int i = 0; i < N_EXTRAS; i++) any |= x.numbers[i] != NULL;
    if (any && !r->status) print_extra_headings(out, width, &x);
    for (size_t b = 0; any && !r->status && b < t->count; b++) {
        hesse_reader_text(t->engines, t->engine_size, b, text, sizeof text);
        if (strcmp(text, "none") == 0) continue;
        print_name(out, width,
                   hesse_reader_text(t->names, t->name_size, b, text, sizeof text));
        print_extra_numbers(out, &x, b, false);
        print_counts(out, x.values, x.below + b * x.values, x.uncertain + b * x.values);
    }
    if (any && full && !r->status) {
        print_name(out, width, "(full)");
        print_extra_numbers(out, &x, 0, true);
        print_counts(out, x.of_full && x.near_full ? x.values : 0, x.of_full,
                     x.near_full);
    }
    free_extras(&x);
}

static void print_table(hesse_reader *r, FILE *out, const char *name,
                        const char *prefix)
{
    table t = {0};
    read_table(r, prefix, &t);
    if (!r->status) {
        const int width = name_width(&t);
        fprintf(out, "\n%s\n", name);
        print_headings(out, width);
        print_blocks(out, &t, width, hesse_reader_precision(r));
        print_full(r, out, prefix, width, t.order);
        print_estimated(r, out, prefix, &t);
        if (t.count > 1) print_distances(r, out, prefix);
        print_extras(r, out, prefix, &t, width);
    }
    free_table(&t);
}

typedef struct show {
    hesse_reader *reader;
    FILE *out;
} show;

static herr_t print_share(hid_t group, const char *name, const H5L_info_t *info,
                          void *data)
{
    (void)group, (void)info;
    const show *s = data;
    char prefix[PATH_LENGTH];
    snprintf(prefix, sizeof prefix, "parts/%.200s/", name);
    print_table(s->reader, s->out, name, prefix);
    return 0;
}

/* The texts of a dataset of names, and the width of the longest, which is cut. */
typedef struct names {
    size_t count, size;
    char *texts;
    int width;
} names;

static bool read_names(hesse_reader *r, const char *path, int width, names *n)
{
    char name[PATH_LENGTH];
    *n = (names){.width = width};
    if (r->status || !hesse_reader_has(r, path)) return false;
    n->texts = hesse_reader_set(r, path, -1, &n->count, &n->size);
    for (size_t i = 0; n->texts && i < n->count; i++) {
        const int length =
            characters(hesse_reader_text(n->texts, n->size, i, name, sizeof name));
        if (length > n->width) n->width = length;
    }
    if (n->width > LONGEST_NAME) n->width = LONGEST_NAME;
    return n->texts;
}

/* Read numbers of a share of a measure. The groups above them must exist. */
static double *read_measure(hesse_reader *r, const char *measure, const char *share,
                            const char *name, size_t count)
{
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "measures/%s/%s", measure, share);
    if (!hesse_reader_has(r, path)) return NULL;
    snprintf(path, sizeof path, "measures/%s/%s/%s", measure, share, name);
    return hesse_reader_column(r, path, H5T_NATIVE_DOUBLE, count);
}

/* Print a line for every direction and share. */
static void print_directions(hesse_reader *r, FILE *out)
{
    names n;
    char name[PATH_LENGTH];
    if (!read_names(r, "direction", 9, &n)) return;
    double *norm =
        hesse_reader_column(r, "measures/directions/norm", H5T_NATIVE_DOUBLE, n.count);
    double *cosine = hesse_reader_column(r, "measures/directions/gradient_cosine",
                                         H5T_NATIVE_DOUBLE, n.count);
    if (!r->status)
        fprintf(out, "\ncurvature along directions\n  %-*s %-14s%11s%11s%11s%11s%8s\n",
                n.width, "direction", "share", "|d|", "cosine", "d'Sd", "d'Sd/|d|^2",
                "in top");
    for (int k = 0; !r->status && hesse_kinds_at(k); k++) {
        const char *share = hesse_kinds_name(hesse_kinds_at(k));
        double *quadratic = read_measure(r, "directions", share, "quadratic", n.count);
        double *rayleigh =
            quadratic ? read_measure(r, "directions", share, "rayleigh", n.count)
                      : NULL;
        double *top =
            rayleigh ? read_measure(r, "directions", share, "in_top", n.count) : NULL;
        for (size_t i = 0; top && i < n.count; i++) {
            print_name(out, n.width,
                       hesse_reader_text(n.texts, n.size, i, name, sizeof name));
            fprintf(out, " %-14s%11.3e%11.3e%11.3e%11.3e", share, norm[i], cosine[i],
                    quadratic[i], rayleigh[i]);
            if (isnan(top[i]))
                fprintf(out, "%8s\n", "-");
            else
                fprintf(out, "%8.4f\n", top[i]);
        }
        free(quadratic);
        free(rayleigh);
        free(top);
    }
    free(norm);
    free(cosine);
    free(n.texts);
}

/* Print a line for every partition, share and vector. */
static void print_block_error(hesse_reader *r, FILE *out)
{
    names p, v;
    char name[PATH_LENGTH];
    if (!read_names(r, "block_error_partition", 9, &p)) return;
    if (!read_names(r, "block_error_vector", 8, &v)) {
        free(p.texts);
        return;
    }
    fprintf(out, "\nblocks alone against the whole\n  %-*s %-14s %-*s%10s%10s%10s\n",
            p.width, "partition", "share", v.width, "vector", "error", "cosine",
            "outside");
    for (int k = 0; !r->status && hesse_kinds_at(k); k++) {
        const char *share = hesse_kinds_name(hesse_kinds_at(k));
        double *error =
            read_measure(r, "block_error", share, "error", p.count * v.count);
        double *cosine =
            error ? read_measure(r, "block_error", share, "cosine", p.count * v.count)
                  : NULL;
        double *outside =
            cosine ? read_measure(r, "block_error", share, "outside", p.count) : NULL;
        for (size_t i = 0; outside && i < p.count * v.count; i++) {
            if (isnan(error[i]) && isnan(cosine[i])) continue;
            print_name(
                out, p.width,
                hesse_reader_text(p.texts, p.size, i / v.count, name, sizeof name));
            fprintf(out, " %-14s %-*s%10.4f%10.4f", share, v.width,
                    hesse_reader_text(v.texts, v.size, i % v.count, name, sizeof name),
                    error[i], cosine[i]);
            if (isnan(outside[i / v.count]))
                fprintf(out, "%10s\n", "-");
            else
                fprintf(out, "%10.4f\n", outside[i / v.count]);
        }
        free(error);
        free(cosine);
        free(outside);
    }
    free(p.texts);
    free(v.texts);
}

/* A column of the table of a series: numbers with a stride. */
typedef struct column {
    char heading[64];
    double *all; /* the dataset, owned */
    const double *first;
    size_t stride;
    int width;
} column;

enum { LARGEST = 3, MOST_COLUMNS = 2 + HESSE_DISTANCES };

/* Read a dataset of the series, if there is one. */
static double *read_series(hesse_reader *r, const char *name, size_t count)
{
    char path[PATH_LENGTH];
    snprintf(path, sizeof path, "series/%.60s", name);
    return hesse_reader_has(r, path)
               ? hesse_reader_column(r, path, H5T_NATIVE_DOUBLE, count)
               : NULL;
}

/* The places of the largest blocks, the first of equal ones first. */
static int find_largest(const int64_t *sizes, size_t count, size_t largest[LARGEST])
{
    int n = 0;
    for (; n < LARGEST && (size_t)n < count; n++) {
        size_t best = count;
        for (size_t b = 0; b < count; b++) {
            bool taken = false;
            for (int i = 0; i < n; i++) taken = taken || largest[i] == b;
            if (!taken && (best == count || sizes[b] > sizes[best])) best = b;
        }
        largest[n] = best;
    }
    return n;
}

/* The steps of a series, and why some of them have no results. */
typedef struct steps {
    size_t count, size; /* size: bytes of an entry of `failure` */
    int64_t *step;
    char *failure;
} steps;

/* Print a line for every step; with `reasons` also why it failed. */
static void print_steps(FILE *out, const steps *s, bool reasons, const column *columns,
                        int n)
{
    char text[PATH_LENGTH];
    fprintf(out, "  %10s", "step");
    for (int c = 0; c < n; c++)
        fprintf(out, " %*s", columns[c].width, columns[c].heading);
    fputc('\n', out);
    for (size_t i = 0; i < s->count; i++) {
        fprintf(out, "  %10lld", (long long)s->step[i]);
        hesse_reader_text(s->failure, s->size, i, text, sizeof text);
        for (int c = 0; !*text && c < n; c++)
            fprintf(out, " %*.4e", columns[c].width,
                    columns[c].first[i * columns[c].stride]);
        fprintf(out, "%s%s\n",
                !*text    ? ""
                : reasons ? " failed: "
                          : " failed",
                reasons ? text : "");
    }
}

static void free_columns(column *columns, int n)
{
    for (int c = 0; c < n; c++) free(columns[c].all);
}

/* Add a column with its data, which may be absent. */
static void add_column(column *columns, int *n, const char *heading, double *all)
{
    if (!all) return;
    column *c = &columns[(*n)++];
    *c = (column){.all = all, .first = all, .stride = 1};
    snprintf(c->heading, sizeof c->heading, "%.60s", heading);
    c->width = strlen(heading) > 11 ? (int)strlen(heading) : 11;
}

/* Print some numbers of one of the largest blocks, or of the full matrix, at every
   step. */
static void print_block_series(hesse_reader *r, FILE *out, const steps *s,
                               const char *group, size_t block, size_t blocks,
                               const char *name, long long order)
{
    char path[64];
    static const char *const shown[] = {"trace", "frobenius", "min", "max"};
    column columns[sizeof shown / sizeof *shown];
    int n = 0;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        snprintf(path, sizeof path, "%.10s%s", group, shown[i]);
        add_column(columns, &n, shown[i], read_series(r, path, s->count * blocks));
    }
    for (int c = 0; c < n; c++)
        columns[c].first = columns[c].all + block, columns[c].stride = blocks;
    if (n) fprintf(out, "\n%s, size %lld\n", name, order);
    if (n) print_steps(out, s, false, columns, n);
    free_columns(columns, n);
}

/* Print every block at the first and at the last step that have results. */
static void print_ends(hesse_reader *r, FILE *out, const steps *s, const names *blocks,
                       const int64_t *sizes)
{
    static const char *const shown[] = {"trace", "min", "max", "frobenius"};
    enum { COUNT = sizeof shown / sizeof *shown };
    double *numbers[COUNT] = {0};
    size_t first = s->count, last = 0, good = 0;
    char text[PATH_LENGTH];
    for (size_t i = 0; i < s->count; i++) {
        if (*hesse_reader_text(s->failure, s->size, i, text, sizeof text)) continue;
        if (!good++) first = i;
        last = i;
    }
    bool there = good > 1 && !r->status;
    for (int c = 0; there && c < COUNT; c++)
        there = (numbers[c] = read_series(r, shown[c], s->count * blocks->count));
    if (there) {
        fprintf(out, "\nblocks at step %lld > at step %lld\n  %-*s %7s",
                (long long)s->step[first], (long long)s->step[last], blocks->width,
                "block", "size");
        for (int c = 0; c < COUNT; c++) fprintf(out, "  %21s", shown[c]);
        fputc('\n', out);
    }
    for (size_t b = 0; there && b < blocks->count; b++) {
        print_name(
            out, blocks->width,
            hesse_reader_text(blocks->texts, blocks->size, b, text, sizeof text));
        fprintf(out, " %7lld", (long long)sizes[b]);
        for (int c = 0; c < COUNT; c++)
            fprintf(out, "  %9.2e > %9.2e", numbers[c][first * blocks->count + b],
                    numbers[c][last * blocks->count + b]);
        fputc('\n', out);
    }
    for (int c = 0; c < COUNT; c++) free(numbers[c]);
}

static void print_series(hesse_reader *r, FILE *out)
{
    steps s = {0};
    size_t count = 0, size = 0, blocks = 0, name_size = 0;
    size_t largest[LARGEST];
    column columns[MOST_COLUMNS];
    char name[PATH_LENGTH], mean[64];
    int n = 0;
    s.step = hesse_reader_set(r, "series/step", H5T_NATIVE_INT64, &s.count, &size);
    s.failure = hesse_reader_set(r, "series/failure", -1, &count, &s.size);
    char *block_names = hesse_reader_set(r, "blocks/name", -1, &blocks, &name_size);
    int64_t *sizes = hesse_reader_column(r, "blocks/size", H5T_NATIVE_INT64, blocks);
    if (!r->status && count != s.count)
        hesse_reader_fail(r, "series/failure", "an entry for every step");
    if (!r->status) {
        add_column(columns, &n, "loss", read_series(r, "loss", s.count));
        add_column(columns, &n, "|gradient|", read_series(r, "gradient_norm", s.count));
        for (int d = 0; d < HESSE_DISTANCES; d++) {
            snprintf(mean, sizeof mean, "%s0", hesse_distance_name((hesse_distance)d));
            add_column(columns, &n, mean, read_series(r, mean, s.count));
        }
    }
    if (!r->status) {
        fprintf(out, "\nseries\n");
        print_steps(out, &s, true, columns, n);
    }
    const int shown = r->status ? 0 : find_largest(sizes, blocks, largest);
    for (int i = 0; !r->status && i < shown; i++)
        print_block_series(
            r, out, &s, "", largest[i], blocks,
            hesse_reader_text(block_names, name_size, largest[i], name, sizeof name),
            (long long)sizes[largest[i]]);
    const int64_t order = order_of(r, sizes, blocks);
    names all;
    if (!r->status && read_names(r, "blocks/name", 5, &all)) {
        print_ends(r, out, &s, &all, sizes);
        free(all.texts);
    }
    if (!r->status && hesse_reader_has(r, "series/full"))
        print_block_series(r, out, &s, "full/", 0, 1, "(full)", order);
    free_columns(columns, n);
    free(sizes);
    free(block_names);
    free(s.failure);
    free(s.step);
}

/* Print a line for every block that was compared with Kronecker products. */
static void print_kronecker(hesse_reader *r, FILE *out)
{
    static const char *const columns[] = {"nearest_cosine",
                                          "kfac_cosine",
                                          "shampoo_cosine",
                                          "shampoo_square_cosine",
                                          "shampoo_examples_cosine",
                                          "shampoo_examples_square_cosine",
                                          "diagonal",
                                          "same_output",
                                          "same_input"};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    names b;
    char name[PATH_LENGTH];
    if (!hesse_reader_has(r, "measures") || !hesse_reader_has(r, "measures/kronecker"))
        return;
    if (!read_names(r, "blocks/name", 5, &b)) return;
    fprintf(
        out,
        "\ncosines of blocks and Kronecker products, and shares of the squared norm\n"
        "  %-*s %-14s%10s%10s%10s%10s%10s%10s%10s%10s%10s\n",
        b.width, "block", "share", "nearest", "K-FAC", "Shampoo", "square", "examples",
        "square", "diagonal", "output", "input");
    for (int k = 0; !r->status && hesse_kinds_at(k); k++) {
        const char *share = hesse_kinds_name(hesse_kinds_at(k));
        double *found[COLUMNS] = {NULL};
        bool there = true;
        for (int j = 0; there && j < COLUMNS; j++)
            there =
                (found[j] = read_measure(r, "kronecker", share, columns[j], b.count));
        for (size_t i = 0; there && i < b.count; i++) {
            if (isnan(found[0][i])) continue;
            print_name(out, b.width,
                       hesse_reader_text(b.texts, b.size, i, name, sizeof name));
            fprintf(out, " %-14s", share);
            for (int j = 0; j < COLUMNS; j++)
                if (isnan(found[j][i]))
                    fprintf(out, "%10s", "-");
                else
                    fprintf(out, "%10.4f", found[j][i]);
            fprintf(out, "\n");
        }
        for (int j = 0; j < COLUMNS; j++) free(found[j]);
    }
    free(b.texts);
}

hesse_status hesse_result_show(const char *path, FILE *out, hesse_why *why)
{
    hesse_reader r;
    const hesse_status s = hesse_reader_open(path, &r, why);
    if (s) return s;
    print_head(&r, out);
    if (!r.status && hesse_reader_has(&r, "learning_rate"))
        hesse_train_log_show(&r, out);
    if (!r.status && hesse_reader_has(&r, "theory")) hesse_theory_show(&r, out);
    if (!r.status && hesse_reader_has(&r, "landscape")) hesse_landscape_show(&r, out);
    if (!r.status && hesse_reader_has(&r, "series")) print_series(&r, out);
    if (!r.status && hesse_reader_has(&r, "sweep")) hesse_sweep_show(&r, out);
    if (!r.status && hesse_reader_has(&r, "blocks/trace"))
        print_table(&r, out, "hessian", "");
    if (!r.status && hesse_reader_has(&r, "parts"))
        H5Literate_by_name(r.file, "parts", H5_INDEX_NAME, H5_ITER_INC, NULL,
                           print_share, &(show){&r, out}, H5P_DEFAULT);
    print_directions(&r, out);
    print_block_error(&r, out);
    print_kronecker(&r, out);
    hesse_ranks_show(&r, out);
    H5Fclose(r.file);
    return r.status;
}
