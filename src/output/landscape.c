/* Rank 0 writes everything at the end, because a landscape is small: all numbers of a
   grid, and the directions. */
#include "output/landscape.h"

#include "base/memory.h"
#include "output/store.h"
#include "output/write_set.h"
#include "parallel/team.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 13 };

/* Write numbers, or nothing for NULL. */
static void write(hesse_store *store, const char *path, int rank, size_t rows,
                  size_t columns, const double *values)
{
    const size_t shape[] = {rows, columns};
    if (values) hesse_write_doubles(store, "", path, "", false, rank, shape, values);
}

static void write_all(hesse_store *store, const hesse_landscape *x,
                      const char *const *names)
{
    const size_t axes = (size_t)x->axes, rows = (size_t)x->points[0],
                 columns = (size_t)x->points[1];
    double exact[4], of_grid[4];
    for (size_t i = 0; i < axes * axes; i++) {
        const size_t at = 2 * (i / axes) + i % axes;
        exact[i] = x->exact[at], of_grid[i] = x->of_grid[at];
    }
    hesse_write_texts(store, "landscape/direction", 1, &axes, names);
    write(store, "landscape/x", 1, rows, 0, x->coordinates[0]);
    if (x->axes == 2) write(store, "landscape/y", 1, columns, 0, x->coordinates[1]);
    write(store, "landscape/loss", x->axes, rows, columns, x->loss);
    write(store, "landscape/gradient_norm", x->axes, rows, columns, x->gradient_norm);
    write(store, "landscape/curvature_x", x->axes, rows, columns, x->curvature[0]);
    write(store, "landscape/curvature_y", x->axes, rows, columns, x->curvature[1]);
    write(store, "landscape/curvature_xy", x->axes, rows, columns, x->curvature[2]);
    write(store, "landscape/directions", 2, axes, x->n, x->directions);
    write(store, "landscape/norm", 1, axes, 0, x->norm);
    write(store, "landscape/cosine", 0, 0, 0, &x->cosine);
    write(store, "landscape/centre_curvature", 2, axes, axes, exact);
    write(store, "landscape/centre_curvature_grid", 2, axes, axes, of_grid);
    write(store, "landscape/minima", 0, 0, 0, &x->minima);
    write(store, "landscape/nonconvex", 0, 0, 0, &x->nonconvex);
    write(store, "landscape/indefinite", 0, 0, 0, &x->indefinite);
    write(store, "landscape/rise", 0, 0, 0, &x->rise);
    write(store, "landscape/range", 0, 0, 0, &x->range);
    hesse_write_wholes(store, "landscape/unfinished", 0, NULL, &x->unfinished);
}

hesse_status hesse_landscape_write(hesse_team *team, const char *path,
                                   const hesse_landscape *landscape,
                                   const char *const *names, const hesse_note *notes,
                                   int count)
{
    hesse_result *result = NULL;
    hesse_status s = hesse_result_new(team, path, NULL, &result);
    if (s) return s;
    result->prefix = "";
    if (team->rank == 0) write_all(result, landscape, names);
    s = hesse_store_agree(result);
    if (s) {
        hesse_result_drop(result);
        return s;
    }
    return hesse_result_finish(result, notes, count);
}

/* The numbers of a dataset; NULL: it is not there, or has another size. */
static double *read(hesse_reader *r, const char *path, size_t expected)
{
    return r->status || !hesse_reader_has(r, path)
               ? NULL
               : hesse_reader_column(r, path, H5T_NATIVE_DOUBLE, expected);
}

static double read_one(hesse_reader *r, const char *path)
{
    double *x = read(r, path, 1);
    const double value = x ? *x : (double)NAN;
    free(x);
    return value;
}

/* Print about SHOWN points of a curve, both ends among them. */
static void show_curve(hesse_reader *r, FILE *out, size_t points, const double *x,
                       const double *loss)
{
    double *norm = read(r, "landscape/gradient_norm", points),
           *curvature = read(r, "landscape/curvature_x", points);
    const size_t shown = points < SHOWN ? points : SHOWN;
    fprintf(out, "\n  %14s %16s%s%s\n", "x", "loss", norm ? "    gradient norm" : "",
            curvature ? "           d'H d" : "");
    for (size_t k = 0; k < shown; k++) {
        const size_t i = shown < 2 ? 0 : k * (points - 1) / (shown - 1);
        fprintf(out, "  %14.6g %16.8g", x[i], loss[i]);
        if (norm) fprintf(out, " %16.8g", norm[i]);
        if (curvature) fprintf(out, " %15.8g", curvature[i]);
        fputc('\n', out);
    }
    free(norm);
    free(curvature);
}

/* Print the extremes of a surface, and the loss of the parameters. */
static void show_surface(FILE *out, size_t rows, size_t columns, const double *x,
                         const double *y, const double *loss)
{
    size_t low = 0, high = 0, centre = 0;
    for (size_t i = 0; i < rows * columns; i++) {
        if (!(loss[i] >= loss[low])) low = isnan(loss[i]) ? low : i;
        if (!(loss[i] <= loss[high])) high = isnan(loss[i]) ? high : i;
        if (x[i / columns] == 0 && y[i % columns] == 0) centre = i;
    }
    const struct {
        const char *name;
        size_t at;
    } lines[] = {
        {"parameters", centre}, {"smallest loss", low}, {"largest loss", high}};
    fprintf(out, "\n  %-16s %16s %14s %14s\n", "", "loss", "x", "y");
    for (int i = 0; i < 3; i++)
        fprintf(out, "  %-16s %16.8g %14.6g %14.6g\n", lines[i].name, loss[lines[i].at],
                x[lines[i].at / columns], y[lines[i].at % columns]);
}

static void show_curvature(hesse_reader *r, FILE *out, size_t axes)
{
    static const char *const names[] = {"d1' H d1", "d1' H d2", NULL, "d2' H d2"};
    double *exact = read(r, "landscape/centre_curvature", axes * axes),
           *of_grid = read(r, "landscape/centre_curvature_grid", axes * axes);
    fprintf(out, "\n  %-16s %16s %16s\n", "at the parameters", "by products",
            "from the grid");
    for (size_t i = 0; exact && of_grid && i < axes * axes; i++)
        if (names[i])
            fprintf(out, "  %-16s  %16.8g %16.8g\n", names[i], exact[i], of_grid[i]);
    free(exact);
    free(of_grid);
}

static void show_figures(hesse_reader *r, FILE *out, size_t axes)
{
    const double cosine = read_one(r, "landscape/cosine"),
                 minima = read_one(r, "landscape/minima"),
                 nonconvex = read_one(r, "landscape/nonconvex"),
                 indefinite = read_one(r, "landscape/indefinite"),
                 rise = read_one(r, "landscape/rise"),
                 range = read_one(r, "landscape/range"),
                 unfinished = read_one(r, "landscape/unfinished");
    if (r->status) return;
    fprintf(out,
            "\n  rise %.6g, range %.6g; local minima %.3g %%, negative curvature "
            "%.3g %%",
            rise, range, 100 * minima, 100 * nonconvex);
    if (axes == 2) fprintf(out, ", both signs %.3g %%", 100 * indefinite);
    fprintf(out, " of the inner points\n");
    if (axes == 2) fprintf(out, "  cosine between the directions %.6g\n", cosine);
    if (unfinished > 0) fprintf(out, "  %.0f points have no finite loss\n", unfinished);
}

void hesse_landscape_show(hesse_reader *r, FILE *out)
{
    size_t count = 0, size = 0, rows = 0, columns = 1, ignored;
    char name[64];
    char *names = hesse_reader_set(r, "landscape/direction", -1, &count, &size);
    double *norm = names ? read(r, "landscape/norm", count) : NULL;
    double *x =
        norm ? hesse_reader_set(r, "landscape/x", H5T_NATIVE_DOUBLE, &rows, &ignored)
             : NULL;
    double *y = x && count == 2 ? hesse_reader_set(r, "landscape/y", H5T_NATIVE_DOUBLE,
                                                   &columns, &ignored)
                                : NULL;
    double *loss = x && (count == 1 || y) && rows && columns
                       ? read(r, "landscape/loss", rows * columns)
                       : NULL;
    if (loss) {
        fprintf(out, "\nlandscape: %zu", rows);
        if (y) fprintf(out, " x %zu", columns);
        fprintf(out, " points\n");
        for (size_t i = 0; i < count; i++)
            fprintf(out, "  d%zu = %s, norm %.6g\n", i + 1,
                    hesse_reader_text(names, size, i, name, sizeof name), norm[i]);
        if (y)
            show_surface(out, rows, columns, x, y, loss);
        else
            show_curve(r, out, rows, x, loss);
        show_curvature(r, out, count);
        show_figures(r, out, count);
    }
    free(names);
    free(norm);
    free(x);
    free(y);
    free(loss);
}
