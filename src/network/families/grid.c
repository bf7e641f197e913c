/* Interpolation is linear in the table, so it is a constant matrix, and the parameter
   stays the table of the checkpoint. In each direction a new patch takes the four
   patches around its centre, by the cubic convolution kernel with a = -0.75; patches
   outside the grid are those of its edge.
   Source: Keys, Cubic Convolution Interpolation for Digital Image Processing (1981). */
#include "network/families/grid.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum { TAPS = 4 };

int hesse_grid_stored(const hesse_grid *g)
{
    return g->first + g->stored * g->stored;
}

static double kernel(double x)
{
    const double a = -0.75;
    x = fabs(x);
    return x <= 1  ? ((a + 2) * x - (a + 3)) * x * x + 1
           : x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
                   : 0;
}

/* Find the patches that patch i of `count` takes, and their factors. */
static void taps(int i, int count, int stored, int at[TAPS], double factor[TAPS])
{
    const double centre = (i + 0.5) * stored / count - 0.5;
    const int below = (int)floor(centre);
    for (int t = 0; t < TAPS; t++) {
        const int place = below - 1 + t;
        factor[t] = kernel(centre - place);
        at[t] = place < 0 ? 0 : place >= stored ? stored - 1 : place;
    }
}

static void fill(const hesse_grid *g, double *map)
{
    const size_t width = (size_t)hesse_grid_stored(g), first = (size_t)g->first;
    int row[TAPS], col[TAPS];
    double high[TAPS], wide[TAPS];
    for (size_t i = 0; i < first; i++) map[i * width + i] = 1;
    for (int i = 0; i < g->rows; i++)
        for (int j = 0; j < g->cols; j++) {
            double *to = map + (first + (size_t)(i * g->cols + j)) * width + first;
            taps(i, g->rows, g->stored, row, high);
            taps(j, g->cols, g->stored, col, wide);
            for (int s = 0; s < TAPS; s++)
                for (int t = 0; t < TAPS; t++)
                    to[row[s] * g->stored + col[t]] += high[s] * wide[t];
        }
}

int hesse_grid_map(hesse_graph *graph, const hesse_grid *g)
{
    const int rows = g->first + g->rows * g->cols, cols = hesse_grid_stored(g);
    double *map = hesse_calloc((size_t)rows * (size_t)cols, sizeof *map);
    if (!map) {
        graph->exhausted = true;
        return 0;
    }
    fill(g, map);
    const int value = hesse_graph_table(graph, rows, cols, map);
    free(map);
    return value;
}
