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

void hesse_theory_show(hesse_reader *r, FILE *out)
{
    const hesse_schema_row *row;
    const bool drawn = hesse_reader_has(r, "theory/draw");
    const hesse_axis_id along = drawn ? HESSE_AXIS_DRAW : HESSE_AXIS_RANK;
    fprintf(out, "\ntheory: %s\n  %-26s %14s %14s %14s\n",
            drawn ? "numbers of all draws" : "eigenvalues", "", "least", "median",
            "largest");
    for (size_t i = 0; !r->status && (row = hesse_schema_row_at(i)); i++)
        if (row->section == HESSE_SECTION_THEORY && row->axes[0] == along &&
            !row->axes[1] && row->content == HESSE_CONTENT_NUMBER &&
            hesse_reader_has(r, row->path))
            show_set(r, out, row);
}
