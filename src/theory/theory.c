/* The table of theories, and the lists of numbers that a theory fills. */
#include "theory/theory.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const hesse_theory_row *const rows[] = {&hesse_theory_of_quadratic,
                                               &hesse_theory_of_linear_transformer,
                                               &hesse_theory_of_attention, NULL};

const char *hesse_theory_family(int i)
{
    return rows[i] ? rows[i]->family : NULL;
}

static hesse_status check(const hesse_arch *arch, const hesse_data_options *data,
                          const hesse_theory_options *o, const hesse_theory_row **row,
                          hesse_why *why)
{
    if (!arch || !data || !o)
        return hesse_fail(why, HESSE_E_JOB, "a theory needs sizes, data and options");
    for (int i = 0; rows[i]; i++)
        if (strcmp(rows[i]->family, arch->family) == 0) *row = rows[i];
    if (!*row)
        return hesse_fail(why, HESSE_E_JOB, "the family %s has no theory",
                          arch->family);
    if ((*row)->own_parameters && o->checkpoint)
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: is a checkpoint, and the theory of the family %s "
                          "chooses the parameters itself",
                          o->checkpoint, arch->family);
    return HESSE_OK;
}

hesse_status hesse_theory_new(hesse_team *team, const hesse_arch *arch,
                              const hesse_data_options *data,
                              const hesse_theory_options *options,
                              hesse_theory **theory)
{
    const hesse_theory_row *row = NULL;
    hesse_theory *made = hesse_calloc(1, sizeof *made);
    *theory = NULL;
    hesse_status s = check(arch, data, options, &row, hesse_team_why(team));
    if (!s && !made)
        s = hesse_fail(hesse_team_why(team), HESSE_E_NOMEM, "out of memory");
    s = hesse_agree(team, s);
    if (!s) {
        made->team = team;
        made->arch = arch, made->data = data, made->options = *options;
        s = hesse_agree(team, row->compute(made));
        made->arch = NULL, made->data = NULL;
    }
    if (s)
        hesse_theory_free(made);
    else
        *theory = made;
    return s;
}

void hesse_theory_free(hesse_theory *theory)
{
    if (!theory) return;
    for (int i = 0; i < theory->n_sets; i++) free((double *)theory->sets[i].values);
    free(theory);
}

const char *hesse_theory_title(const hesse_theory *theory)
{
    return theory->title;
}

const hesse_theory_line *hesse_theory_line_at(const hesse_theory *theory, int i)
{
    return i >= 0 && i < theory->n_lines ? &theory->lines[i] : NULL;
}

const hesse_theory_set *hesse_theory_set_at(const hesse_theory *theory, int i)
{
    return i >= 0 && i < theory->n_sets ? &theory->sets[i] : NULL;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The quantile of sorted numbers, with linear interpolation between two of them. An
   infinite one stands for a number that does not exist. */
static double quantile(size_t n, const double *x, double q)
{
    const double at = q * (double)(n - 1);
    const size_t i = (size_t)at, j = i + 1 < n ? i + 1 : i;
    const double part = at - (double)i;
    if (isinf(x[j])) return part > 0 || isinf(x[i]) ? NAN : x[i];
    return x[i] + part * (x[j] - x[i]);
}

void hesse_theory_set_title(hesse_theory *theory, const char *title, ...)
{
    va_list args;
    va_start(args, title);
    vsnprintf(theory->title, sizeof theory->title, title, args);
    va_end(args);
}

static hesse_theory_line *new_line(hesse_theory *theory, const char *what)
{
    assert(theory->n_lines < HESSE_THEORY_LINES);
    hesse_theory_line *line = &theory->lines[theory->n_lines++];
    *line = (hesse_theory_line){.what = what, .measured = NAN, .low = NAN, .high = NAN};
    return line;
}

bool hesse_theory_add_line(hesse_theory *theory, const char *what, size_t count,
                           const double *all, const char *claim, ...)
{
    va_list args;
    hesse_theory_line *line = new_line(theory, what);
    double *sorted = hesse_alloc(count);
    if (!sorted) return false;
    for (size_t i = 0; i < count; i++) sorted[i] = isnan(all[i]) ? INFINITY : all[i];
    qsort(sorted, count, sizeof *sorted, ascending);
    line->measured = quantile(count, sorted, 0.5);
    line->low = quantile(count, sorted, 0.1);
    line->high = quantile(count, sorted, 0.9);
    free(sorted);
    va_start(args, claim);
    vsnprintf(line->claim, sizeof line->claim, claim, args);
    va_end(args);
    return true;
}

void hesse_theory_add_number(hesse_theory *theory, const char *what, double number,
                             const char *claim, ...)
{
    va_list args;
    hesse_theory_line *line = new_line(theory, what);
    line->measured = number;
    va_start(args, claim);
    vsnprintf(line->claim, sizeof line->claim, claim, args);
    va_end(args);
}

double *hesse_theory_add_set(hesse_theory *theory, const char *path, int rank,
                             size_t count, size_t columns)
{
    assert(theory->n_sets < HESSE_THEORY_SETS);
    double *values = hesse_alloc(count * columns);
    if (!values) return NULL;
    theory->sets[theory->n_sets++] = (hesse_theory_set){
        .path = path, .rank = rank, .shape = {count, columns}, .values = values};
    return values;
}
