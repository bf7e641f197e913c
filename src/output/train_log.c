/* Rank 0 writes the log when the run ends: it is small beside the checkpoints. */
#include "output/train_log.h"

#include "base/memory.h"
#include "output/reader.h"
#include "output/store.h"
#include "parallel/team.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void write_numbers(hesse_store *store, const char *path, size_t rows,
                          size_t columns, const double *values)
{
    const hesse_set set = hesse_schema_set(path, false);
    const size_t shape[] = {rows, columns};
    if (rows) hesse_store_doubles(store, &set, columns ? 2 : 1, shape, values);
}

/* Write column `at` of a table. */
static void write_column(hesse_store *store, const char *path, size_t rows,
                         size_t columns, size_t at, bool whole, const double *table)
{
    const hesse_set set = hesse_schema_set(path, false);
    double *numbers = hesse_alloc(rows);
    int64_t *wholes = hesse_calloc(rows, sizeof *wholes);
    if (!numbers || !wholes) hesse_store_no_memory(store);
    for (size_t i = 0; numbers && wholes && i < rows; i++) {
        numbers[i] = table[i * columns + at];
        wholes[i] = whole ? (int64_t)numbers[i] : 0;
    }
    if (numbers && wholes && rows && whole)
        hesse_store_wholes(store, &set, 1, &rows, wholes);
    else if (numbers && wholes && rows)
        hesse_store_doubles(store, &set, 1, &rows, numbers);
    free(numbers);
    free(wholes);
}

static void write_tensors(hesse_store *store, const hesse_params *params)
{
    const size_t count = (size_t)params->count;
    const hesse_set set = hesse_schema_set("parameter_tensor", false);
    const char **names = hesse_calloc(count, sizeof *names);
    if (!names) hesse_store_no_memory(store);
    for (size_t i = 0; names && i < count; i++) names[i] = params->list[i].name;
    if (names) hesse_store_texts(store, &set, 1, &count, names);
    free(names);
}

static bool any_number(const double *table, size_t rows, size_t columns, size_t at)
{
    for (size_t i = 0; i < rows; i++)
        if (!isnan(table[i * columns + at])) return true;
    return false;
}

/* Write a table of numbers by group if it holds any number. */
static void write_groups(hesse_store *store, const char *path,
                         const hesse_train_log *log, const double *table)
{
    const size_t rows = (size_t)log->measured, columns = (size_t)log->groups;
    if (any_number(table, rows * columns, 1, 0))
        write_numbers(store, path, rows, columns, table);
}

static void write_all(hesse_store *store, const hesse_params *params,
                      const hesse_train_log *log)
{
    static const char *const evaluate[] = {"evaluate/step", "evaluate/loss",
                                           "evaluate/accuracy"};
    const size_t rows = (size_t)log->rows, tensors = (size_t)log->tensors,
                 measured = (size_t)log->measured, columns = (size_t)log->columns;
    const hesse_set step = hesse_schema_set("step", false);
    int64_t *steps = hesse_calloc(rows, sizeof *steps);
    if (!steps) hesse_store_no_memory(store);
    for (size_t i = 0; steps && i < rows; i++) steps[i] = (int64_t)i;
    if (steps && rows) hesse_store_wholes(store, &step, 1, &rows, steps);
    free(steps);
    write_tensors(store, params);
    write_numbers(store, "loss", rows, 0, log->loss);
    write_numbers(store, "learning_rate", rows, 0, log->learning_rate);
    hesse_store_link(store, "training/step");
    hesse_store_link(store, "training/loss");
    write_numbers(store, "gradient_norm", rows, tensors, log->gradient_norm);
    write_numbers(store, "update_norm", rows, tensors, log->update_norm);
    for (size_t i = 0; i < 3; i++)
        write_column(store, evaluate[i], (size_t)log->evaluations, 3, i, i == 0,
                     log->evaluate);
    for (size_t i = 0; i < columns; i++) {
        char path[HESSE_PATH];
        if (!any_number(log->measures, measured, columns, i)) continue;
        hesse_store_path(store, path, "path/%s", hesse_training_measure_name((int)i));
        write_column(store, path, measured, columns, i, i == 0, log->measures);
    }
    if (log->class_gradient) {
        write_numbers(store, "path/class_gradient_norm", measured, (size_t)log->classes,
                      log->class_gradient);
        write_numbers(store, "path/class_trace", measured, (size_t)log->classes,
                      log->class_trace);
    }
    if (log->groups && measured) {
        const hesse_set set = hesse_schema_set("path/group", false);
        const size_t count = (size_t)log->groups;
        hesse_store_texts(store, &set, 1, &count, log->group_names);
        write_groups(store, "path/group_gradient_norm", log, log->group_gradient);
        write_groups(store, "path/group_smoothness", log, log->group_smoothness);
        write_groups(store, "path/group_sharpness", log, log->group_sharpness);
    }
    if (log->noise)
        write_numbers(store, "path/noise", measured, (size_t)log->batches, log->noise);
}

hesse_status hesse_train_log_write(hesse_team *team, const char *path,
                                   const hesse_params *params,
                                   const hesse_train_log *log, const hesse_note *notes,
                                   int count)
{
    hesse_result *result = NULL;
    hesse_status s = hesse_result_new(team, path, NULL, &result);
    if (s) return s;
    result->prefix = "";
    if (team->rank == 0) write_all(result, params, log);
    s = hesse_store_agree(result);
    if (s) {
        hesse_result_drop(result);
        return s;
    }
    return hesse_result_finish(result, notes, count);
}

static double whole_norm(const double *norms, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += norms[i] * norms[i];
    return sqrt(sum);
}

static void print_table(FILE *f, const hesse_params *params, const hesse_train_log *log)
{
    const size_t tensors = (size_t)log->tensors;
    fputs("step,loss,learning_rate,gradient_norm,update_norm", f);
    for (size_t i = 0; i < tensors; i++)
        fprintf(f, ",gradient_norm %s", params->list[i].name);
    for (size_t i = 0; i < tensors; i++)
        fprintf(f, ",update_norm %s", params->list[i].name);
    fputc('\n', f);
    for (size_t r = 0; r < (size_t)log->rows; r++) {
        const double *g = log->gradient_norm + r * tensors,
                     *u = log->update_norm + r * tensors;
        fprintf(f, "%zu,%.17g,%.17g,%.17g,%.17g", r, log->loss[r],
                log->learning_rate[r], whole_norm(g, tensors), whole_norm(u, tensors));
        for (size_t i = 0; i < tensors; i++) fprintf(f, ",%.17g", g[i]);
        for (size_t i = 0; i < tensors; i++) fprintf(f, ",%.17g", u[i]);
        fputc('\n', f);
    }
}

hesse_status hesse_train_csv_write(const char *path, const hesse_params *params,
                                   const hesse_train_log *log, hesse_why *why)
{
    char *temporary = hesse_calloc(strlen(path) + 5, 1);
    if (!temporary) return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    strcat(strcpy(temporary, path), ".tmp");
    FILE *f = fopen(temporary, "w");
    if (f) print_table(f, params, log);
    bool good = f && !fflush(f) && !ferror(f) && !fsync(fileno(f));
    int error = errno;
    if (f && fclose(f) && good) good = false, error = errno;
    if (good && rename(temporary, path)) good = false, error = errno;
    if (f && !good) unlink(temporary);
    free(temporary);
    return good ? HESSE_OK
                : hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be written: %s", path,
                             strerror(error));
}

enum { SHOWN = 12 };

static double *column(hesse_reader *r, const char *path, size_t *count)
{
    size_t size;
    *count = 0;
    return r->status || !hesse_reader_has(r, path)
               ? NULL
               : hesse_reader_set(r, path, H5T_NATIVE_DOUBLE, count, &size);
}

/* Print about SHOWN rows, the first and the last among them. */
static void show_rows(hesse_reader *r, FILE *out, const char *title,
                      const char *const *paths, const char *const *heads, int columns)
{
    double *values[4] = {0};
    size_t rows = 0, here;
    for (int i = 0; i < columns; i++) {
        values[i] = column(r, paths[i], &here);
        if (values[i] && (i == 0 || here < rows)) rows = here;
    }
    if (rows && values[0]) {
        fprintf(out, "\n%s\n ", title);
        for (int i = 0; i < columns; i++)
            if (values[i]) fprintf(out, " %16s", heads[i]);
        fputc('\n', out);
        const size_t shown = rows < SHOWN ? rows : SHOWN;
        for (size_t k = 0; k < shown; k++) {
            const size_t at = shown < 2 ? 0 : k * (rows - 1) / (shown - 1);
            fprintf(out, "  %16.0f", values[0][at]);
            for (int i = 1; i < columns; i++)
                if (values[i]) fprintf(out, " %16.8g", values[i][at]);
            fputc('\n', out);
        }
    }
    for (int i = 0; i < columns; i++) free(values[i]);
}

void hesse_train_log_show(hesse_reader *r, FILE *out)
{
    static const char
        *const steps[] = {"step", "loss", "learning_rate"},
               *const step_heads[] = {"step", "loss", "learning rate"},
               *const tests[] = {"evaluate/step", "evaluate/loss", "evaluate/accuracy"},
               *const test_heads[] = {"step", "loss", "accuracy"},
               *const path[] = {"path/step", "path/smoothness", "path/sharpness",
                                "path/threshold"},
               *const path_heads[] = {"step", "smoothness", "sharpness", "threshold"},
               *const adam[] = {"path/step", "path/preconditioned_sharpness",
                                "path/preconditioned_threshold", "path/noise_mean"},
               *const adam_heads[] = {"step", "preconditioned", "threshold", "noise"};
    show_rows(r, out, "training", steps, step_heads, 3);
    if (!r->status && hesse_reader_has(r, "evaluate"))
        show_rows(r, out, "held-out examples", tests, test_heads, 3);
    if (r->status || !hesse_reader_has(r, "path")) return;
    show_rows(r, out, "along the path", path, path_heads, 4);
    show_rows(r, out, "along the path, for Adam's preconditioner", adam, adam_heads, 4);
}
