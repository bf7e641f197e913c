/* A table is stored as its numbers or, where this is shorter, as runs: a pattern that
   is repeated over the table is cut into progressions of equal or evenly spaced
   numbers. A mask, or the places of a gather, then takes a few numbers for each row. */
#include "network/graph.h"

#include <math.h>
#include <string.h>

enum { COUNT, FIRST, STEP, EACH };

size_t hesse_table_stored(const hesse_graph_value *v)
{
    return v->runs ? (size_t)v->runs * EACH : (size_t)v->rows * (size_t)v->cols;
}

const double *hesse_graph_stored(const hesse_graph *g, int value)
{
    const double *at = g->table;
    for (const hesse_graph_value *v = g->values; v < g->values + value; v++)
        if (v->kind == HESSE_VALUE_TABLE) at += hesse_table_stored(v);
    return at;
}

bool hesse_table_next(const hesse_graph_value *v, const double *stored,
                      hesse_table_run *run)
{
    const bool raw = !v->runs;
    const int cols = raw ? v->cols : v->cols / v->across;
    run->at += run->count;
    if (run->i == (raw ? v->rows * v->cols : v->runs)) return false;
    const double *x = stored + (size_t)run->i++ * (raw ? 1 : EACH);
    run->count = raw ? 1 : (size_t)x[COUNT];
    run->first = raw ? *x : x[FIRST], run->step = raw ? 0 : x[STEP];
    run->cols = (size_t)cols;
    return true;
}

void hesse_table_numbers(const hesse_graph_value *v, const double *stored,
                         double *numbers)
{
    const size_t cols = (size_t)v->cols;
    hesse_table_run run = {0};
    while (hesse_table_next(v, stored, &run))
        for (size_t k = 0; k < run.count; k++) {
            const size_t at = run.at + k;
            numbers[at / run.cols * cols + at % run.cols] =
                run.step == 0 ? run.first : run.first + (double)k * run.step;
        }
    if (!v->runs) return;
    const size_t rows = (size_t)(v->rows / v->down), each = cols / (size_t)v->across;
    for (size_t r = 0; r < rows; r++)
        for (size_t a = each; a < cols; a += each)
            memcpy(numbers + r * cols + a, numbers + r * cols, each * sizeof *numbers);
    for (size_t r = rows; r < (size_t)v->rows; r += rows)
        memcpy(numbers + r * cols, numbers, rows * cols * sizeof *numbers);
}

/* True for integers whose differences are exact; -0 is none, as its sign would be lost.
 */
static bool is_whole(double x)
{
    return x == floor(x) && fabs(x) < 0x1p52 && !(x == 0 && signbit(x));
}

bool hesse_table_run_is_sound(double count, double first, double step)
{
    const double last = first + (count - 1) * step;
    return is_whole(count) && count >= 1 && isfinite(first) && isfinite(step) &&
           (step == 0 || (is_whole(first) && is_whole(step) && is_whole(last)));
}

static bool same(size_t n, const double *x, const double *y)
{
    return memcmp(x, y, n * sizeof *x) == 0;
}

/* Find the shortest pattern of whole columns, and then of rows, that fills a table. */
static void find_pattern(const double *x, hesse_graph_value *v)
{
    const size_t rows = (size_t)v->rows, cols = (size_t)v->cols;
    size_t wide = 0, high = 0;
    bool found = false;
    while (!found) {
        if (cols % ++wide) continue;
        found = true;
        for (size_t r = 0; found && r < rows; r++)
            found = same(cols - wide, x + r * cols, x + r * cols + wide);
    }
    for (found = false; !found;) {
        if (rows % ++high) continue;
        found = true;
        for (size_t r = high; found && r < rows; r++)
            found = same(wide, x + r * cols, x + (r - high) * cols);
    }
    v->down = (int)(rows / high), v->across = (int)(cols / wide);
}

/* The length of the run that begins at a number of a pattern, and its step. */
static size_t run_of(const hesse_graph_value *v, const double *x, size_t at, size_t end,
                     double *step)
{
    const size_t cols = (size_t)v->cols, wide = cols / (size_t)v->across;
#define AT(i) x[(i) / wide * cols + (i) % wide]
    size_t count = 1;
    while (at + count < end && same(1, &AT(at), &AT(at + count))) count++;
    *step = 0;
    if (count > 1 || at + 2 >= end || !is_whole(AT(at)) || !is_whole(AT(at + 1)))
        return count;
    *step = AT(at + 1) - AT(at);
    while (at + count < end && is_whole(AT(at + count)) &&
           AT(at + count) == AT(at) + (double)count * *step)
        count++;
#undef AT
    if (count > 2) return count;
    *step = 0;
    return 1;
}

int hesse_table_compress(const double *x, hesse_graph_value *v, size_t room,
                         double *stored)
{
    find_pattern(x, v);
    const size_t wide = (size_t)(v->cols / v->across);
    const size_t end = (size_t)(v->rows / v->down) * wide;
    v->runs = 0;
    for (size_t at = 0, count; at < end; at += count) {
        double step;
        if ((size_t)(v->runs + 1) * EACH > room) {
            v->runs = v->down = v->across = 0;
            return 0;
        }
        count = run_of(v, x, at, end, &step);
        const double first = x[at / wide * (size_t)v->cols + at % wide];
        const double run[EACH] = {(double)count, first, step};
        memcpy(stored + (size_t)v->runs++ * EACH, run, sizeof run);
    }
    return v->runs;
}
