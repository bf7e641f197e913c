/* A sweep in a result file, for people, and the check of its means. */
#include "output/sweep.h"

#include "hesse/parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 160, MOST_FAILURES = 5 };

/* A list of texts in the file. */
typedef struct texts {
    char *all;
    size_t count, size;
} texts;

static texts read_texts(hesse_reader *r, const char *path)
{
    texts t = {0};
    t.all = hesse_reader_set(r, path, -1, &t.count, &t.size);
    return t;
}

static const char *text_at(const texts *t, size_t i, char room[NAME])
{
    return hesse_reader_text(t->all, t->size, i, room, NAME);
}

/* Where a share has its numbers; "": the file does not have the share. */
static const char *place_of(const hesse_reader *r, const char *share, char place[NAME])
{
    char test[NAME + 32];
    const bool itself = strcmp(share, "hessian") == 0;
    snprintf(place, NAME, "sweep/%s%s%s", itself ? "" : "parts/", itself ? "" : share,
             itself ? "" : "/");
    snprintf(test, sizeof test, "%sfrobenius", place);
    if (!itself && !hesse_reader_has(r, "sweep/parts")) return place[0] = '\0', place;
    if (!itself) {
        char group[NAME];
        snprintf(group, sizeof group, "%.*s", (int)strlen(place) - 1, place);
        if (!hesse_reader_has(r, group)) return place[0] = '\0', place;
    }
    if (!hesse_reader_has(r, test)) place[0] = '\0';
    return place;
}

/* Print why runs failed, the first of them. */
static void show_failures(hesse_reader *r, FILE *out, const texts *points)
{
    char name[NAME], why[NAME];
    texts failures = read_texts(r, "sweep/run_failure");
    int64_t *point =
        hesse_reader_column(r, "sweep/run_point", H5T_NATIVE_INT64, failures.count);
    int64_t *repeat =
        hesse_reader_column(r, "sweep/run_repeat", H5T_NATIVE_INT64, failures.count);
    size_t failed = 0;
    for (size_t i = 0; !r->status && i < failures.count; i++) {
        if (!*text_at(&failures, i, why) || failed++ >= MOST_FAILURES) continue;
        if (point[i] < 0 || (size_t)point[i] >= points->count) continue;
        fprintf(out, "  failed: %s, repeat %lld: %s\n",
                text_at(points, (size_t)point[i], name), (long long)repeat[i], why);
    }
    if (failed > MOST_FAILURES)
        fprintf(out, "  and %zu more\n", failed - MOST_FAILURES);
    if (!r->status)
        fprintf(out, "  %zu points, %zu runs, %zu failed\n", points->count,
                failures.count, failed);
    free(failures.all);
    free(point);
    free(repeat);
}

static void print_number(FILE *out, double value, double error)
{
    if (isnan(error))
        fprintf(out, " %18.3f", value);
    else
        fprintf(out, " %9.3f +- %5.3f", value, error);
}

/* Print the slopes of the blocks that have one, for each line of points and share. */
static void show_slopes(hesse_reader *r, FILE *out, const texts *points)
{
    texts axes = read_texts(r, "sweep/axis"), blocks = read_texts(r, "sweep/block");
    size_t lines = 0, size = 0;
    char name[NAME], place[NAME], path[NAME + 32];
    int64_t *axis = hesse_reader_set(r, "sweep/slope_axis", H5T_NATIVE_INT64, &lines,
                                     &size),
            *first =
                hesse_reader_column(r, "sweep/slope_first", H5T_NATIVE_INT64, lines);
    int64_t *sizes = hesse_reader_column(r, "sweep/size", H5T_NATIVE_INT64,
                                         points->count * blocks.count);
    int width = 5;
    for (size_t b = 0; !r->status && b < blocks.count; b++) {
        const int length = (int)strlen(text_at(&blocks, b, name));
        if (length > width) width = length;
    }
    for (int k = 0; !r->status && hesse_kinds_at(k); k++) {
        const char *share = hesse_kinds_name(hesse_kinds_at(k));
        if (!*place_of(r, share, place)) continue;
        snprintf(path, sizeof path, "%sslope", place);
        double *slope =
            hesse_reader_column(r, path, H5T_NATIVE_DOUBLE, lines * blocks.count);
        snprintf(path, sizeof path, "%sslope_error", place);
        double *error =
            hesse_reader_column(r, path, H5T_NATIVE_DOUBLE, lines * blocks.count);
        for (size_t l = 0; !r->status && l < lines; l++) {
            if (axis[l] < 0 || (size_t)axis[l] >= axes.count || first[l] < 0 ||
                (size_t)first[l] >= points->count)
                continue;
            int shown = 0;
            for (size_t b = 0; b < blocks.count; b++) {
                const double found = slope[l * blocks.count + b];
                if (!sizes[(size_t)first[l] * blocks.count + b] || isnan(found))
                    continue;
                if (!shown++) {
                    fprintf(out, "\nslope of log |%s| against log %s", share,
                            text_at(&axes, (size_t)axis[l], name));
                    fprintf(out, ", from %s\n",
                            text_at(points, (size_t)first[l], name));
                }
                fprintf(out, "  %-*s", width, text_at(&blocks, b, name));
                print_number(out, found, error[l * blocks.count + b]);
                fputc('\n', out);
            }
        }
        free(slope);
        free(error);
    }
    free(axis);
    free(first);
    free(sizes);
    free(axes.all);
    free(blocks.all);
}

/* Print the means of the norms, where there are no slopes. */
static void show_means(hesse_reader *r, FILE *out, const texts *points)
{
    texts blocks = read_texts(r, "sweep/block");
    char name[NAME], place[NAME], path[NAME + 32];
    for (int k = 0; !r->status && hesse_kinds_at(k); k++) {
        const char *share = hesse_kinds_name(hesse_kinds_at(k));
        if (!*place_of(r, share, place)) continue;
        snprintf(path, sizeof path, "%sfrobenius_mean", place);
        double *mean = hesse_reader_column(r, path, H5T_NATIVE_DOUBLE,
                                           points->count * blocks.count);
        for (size_t p = 0; !r->status && p < points->count; p++) {
            fprintf(out, "\n|%s| at %s\n", share, text_at(points, p, name));
            for (size_t b = 0; b < blocks.count; b++)
                fprintf(out, "  %-40s %12.4e\n", text_at(&blocks, b, name),
                        mean[p * blocks.count + b]);
        }
        free(mean);
    }
    free(blocks.all);
}

void hesse_sweep_show(hesse_reader *r, FILE *out)
{
    texts points = read_texts(r, "sweep/point");
    if (r->status) return;
    fprintf(out, "\nsweep\n");
    show_failures(r, out, &points);
    if (!r->status && hesse_reader_has(r, "sweep/slope_axis"))
        show_slopes(r, out, &points);
    else if (!r->status)
        show_means(r, out, &points);
    free(points.all);
}

/* Check the means of one share. */
static void check_means(hesse_reader *r, const char *place, size_t runs, size_t points,
                        size_t blocks)
{
    char path[NAME + 32];
    const size_t repeats = runs / points;
    snprintf(path, sizeof path, "%sfrobenius", place);
    double *all = hesse_reader_column(r, path, H5T_NATIVE_DOUBLE, runs * blocks);
    snprintf(path, sizeof path, "%sfrobenius_mean", place);
    double *mean = hesse_reader_column(r, path, H5T_NATIVE_DOUBLE, points * blocks);
    for (size_t i = 0; !r->status && i < points * blocks; i++) {
        const size_t p = i / blocks, b = i % blocks;
        double sum = 0;
        for (size_t k = 0; k < repeats; k++) sum += all[(p * repeats + k) * blocks + b];
        sum /= (double)repeats;
        const bool same = isfinite(sum) ? fabs(sum - mean[i]) <= 1e-12 * fabs(sum)
                                        : !isfinite(mean[i]);
        if (!same)
            r->status =
                hesse_fail(r->why, HESSE_E_NUMERIC,
                           "%s: %s: number %zu of %zu is %.12g, and the mean of its "
                           "runs is %.12g",
                           r->path, path, i + 1, points * blocks, mean[i], sum);
    }
    free(all);
    free(mean);
}

void hesse_sweep_verify(hesse_reader *r, size_t *runs)
{
    texts points = read_texts(r, "sweep/point"), blocks = read_texts(r, "sweep/block"),
          failures = read_texts(r, "sweep/run_failure");
    char place[NAME];
    *runs = failures.count;
    if (!r->status && (!points.count || failures.count % points.count))
        hesse_reader_fail(r, "sweep/run_failure", "equally many runs for every point");
    for (int k = 0; !r->status && hesse_kinds_at(k); k++)
        if (*place_of(r, hesse_kinds_name(hesse_kinds_at(k)), place))
            check_means(r, place, failures.count, points.count, blocks.count);
    free(points.all);
    free(blocks.all);
    free(failures.all);
}
