/* A theory names its datasets by their paths in the schema, so every theory is written
   and shown in the same way. */
#include "output/theory.h"

#include "base/memory.h"
#include "output/store.h"
#include "parallel/team.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void write_wholes(hesse_store *store, const hesse_set *set,
                         const hesse_theory_set *from)
{
    const size_t count = from->shape[0] * from->shape[1];
    int64_t *wholes = hesse_calloc(count, sizeof *wholes);
    if (!wholes) {
        hesse_store_no_memory(store);
        return;
    }
    for (size_t i = 0; i < count; i++) wholes[i] = (int64_t)from->values[i];
    hesse_store_wholes(store, set, from->rank, from->shape, wholes);
    free(wholes);
}

static void write_sets(hesse_store *store, const hesse_theory *theory)
{
    const hesse_theory_set *from;
    for (int i = 0; (from = hesse_theory_set_at(theory, i)); i++) {
        const hesse_set set = hesse_schema_set(from->path, false);
        if (set.content == HESSE_CONTENT_WHOLE)
            write_wholes(store, &set, from);
        else
            hesse_store_doubles(store, &set, from->rank, from->shape, from->values);
    }
}

hesse_status hesse_theory_write(hesse_team *team, const char *path,
                                const hesse_theory *theory, const hesse_note *notes,
                                int count)
{
    hesse_result *result = NULL;
    hesse_status s = hesse_result_new(team, path, NULL, &result);
    if (s) return s;
    result->prefix = "";
    if (team->rank == 0) write_sets(result, theory);
    s = hesse_store_agree(result);
    if (s) {
        hesse_result_drop(result);
        return s;
    }
    return hesse_result_finish(result, notes, count);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Print a line of a dataset of one dimension; a NaN comes last. */
static void show_set(hesse_reader *r, FILE *out, const hesse_schema_row *row)
{
    size_t count, size;
    double *x = hesse_reader_set(r, row->path, H5T_NATIVE_DOUBLE, &count, &size);
    if (!x || !count) {
        free(x);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (isnan(x[i])) x[i] = INFINITY;
    qsort(x, count, sizeof *x, ascending);
    fprintf(out, "  %-26s %14.6g %14.6g %14.6g\n", strchr(row->path, '/') + 1, x[0],
            x[(count - 1) / 2], x[count - 1]);
    free(x);
}

/* Print every dataset of numbers along an axis. */
static void show_along(hesse_reader *r, FILE *out, hesse_axis_id along,
                       const char *title)
{
    const hesse_schema_row *row;
    fprintf(out, "\ntheory: %s\n  %-26s %14s %14s %14s\n", title, "", "least", "median",
            "largest");
    for (size_t i = 0; !r->status && (row = hesse_schema_row_at(i)); i++)
        if (row->section == HESSE_SECTION_THEORY && row->axes[0] == along &&
            !row->axes[1] && row->content == HESSE_CONTENT_NUMBER &&
            hesse_reader_has(r, row->path))
            show_set(r, out, row);
}

/* Print every number that has a claimed one beside it. */
static void show_claims(hesse_reader *r, FILE *out)
{
    const hesse_schema_row *row;
    fprintf(out, "\ntheory: numbers beside those that are claimed\n  %-26s %14s %14s\n",
            "", "measured", "claimed");
    for (size_t i = 0; !r->status && (row = hesse_schema_row_at(i)); i++) {
        char path[HESSE_PATH];
        snprintf(path, sizeof path, "%s_claimed", row->path);
        if (row->section != HESSE_SECTION_THEORY || row->axes[0] ||
            !hesse_schema_find(path, NULL) || !hesse_reader_has(r, path))
            continue;
        size_t count, size;
        double *x = hesse_reader_set(r, row->path, H5T_NATIVE_DOUBLE, &count, &size),
               *y = hesse_reader_set(r, path, H5T_NATIVE_DOUBLE, &count, &size);
        if (x && y)
            fprintf(out, "  %-26s %14.6g %14.6g\n", strchr(row->path, '/') + 1, *x, *y);
        free(x);
        free(y);
    }
}

static void show_levels(hesse_reader *r, FILE *out)
{
    static const char *const paths[] = {"theory/level_multiplicity",
                                        "theory/level_measured",
                                        "theory/level_eigenvalue"};
    double *columns[3] = {NULL, NULL, NULL};
    size_t counts[3] = {0, 0, 0}, size;
    for (int c = 0; !r->status && c < 3; c++)
        columns[c] =
            hesse_reader_set(r, paths[c], H5T_NATIVE_DOUBLE, &counts[c], &size);
    if (columns[0] && columns[1] && columns[2] && counts[1] == counts[0] &&
        counts[2] == counts[0]) {
        fprintf(out, "\ntheory: levels of the Hessian at W = 0\n  %-26s %14s %14s\n",
                "multiplicity", "median", "claimed");
        for (size_t i = 0; i < counts[0]; i++)
            fprintf(out, "  %-26.0f %14.6g %14.6g\n", columns[0][i], columns[1][i],
                    columns[2][i]);
    }
    for (int c = 0; c < 3; c++) free(columns[c]);
}

void hesse_theory_show(hesse_reader *r, FILE *out)
{
    if (hesse_reader_has(r, "theory/draw"))
        show_along(r, out, HESSE_AXIS_DRAW, "numbers of all draws");
    if (hesse_reader_has(r, "theory/loss_at_zero")) show_claims(r, out);
    if (!r->status && hesse_reader_has(r, "theory/level_eigenvalue"))
        show_levels(r, out);
    if (!r->status && hesse_reader_has(r, "theory/descent_loss"))
        show_along(r, out, HESSE_AXIS_DESCENT, "gradient descent");
    if (!r->status && (hesse_reader_has(r, "theory/eigenvalues") ||
                       hesse_reader_has(r, "theory/outer_eigenvalues") ||
                       hesse_reader_has(r, "theory/singular_values")))
        show_along(r, out, HESSE_AXIS_RANK, "eigenvalues");
}
