/* Tokens come from a .npy of integers, 1-d (a stream) or 2-d (sequences), or from
   a .bin (a stream of little-endian integers). */
#include "data/bin.h"
#include "data/kinds.h"
#include "data/windows.h"

#include "files/file.h"

#include <string.h>

static const hesse_owned_key keys[] = {
    {"width", NULL},     {"mask", NULL},    {"padding", NULL}, {"context", NULL},
    {"mask_rate", NULL}, {"mask_id", NULL}, {NULL, NULL}};

static hesse_data_reader read_examples;

const hesse_data_kind hesse_data_tokens = {
    .name = "tokens",
    .help =
        "Token ids from a `.npy` file of integers, or from a `.bin` of nanoGPT, llm.c, "
        "Megatron or `hesse tokenize`.",
    .examples = 1 << HESSE_READS_IDS,
    .words = true,
    .least_paths = 1,
    .most_paths = 1,
    .keys = keys,
    .read = read_examples};

static hesse_status open_npy(size_t size, hesse_stream *src, hesse_why *why)
{
    hesse_npy *form = &src->form;
    hesse_status s = hesse_npy_header(src->file, src->path, size, form, why);
    if (s) return s;
    if ((form->kind != 'i' && form->kind != 'u') || form->width > 8 ||
        (form->width & (form->width - 1)))
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: holds elements of type '%c%d', expected integers of 1, 2, "
            "4 or 8 bytes",
            src->path, form->kind, form->width);
    if (form->rank != 1 && form->rank != 2)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: holds an array of rank %d, expected 1 (a stream) or 2 "
                          "(sequences x tokens)",
                          src->path, form->rank);
    if (form->rank == 2 && form->fortran)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: is stored by columns, expected rows (save "
                          "numpy.ascontiguousarray of it)",
                          src->path);
    if (form->rank == 2 && form->shape[1] == 0)
        return hesse_fail(why, HESSE_E_INPUT, "%s: holds no tokens", src->path);
    src->count = form->count;
    src->rows = form->rank == 2;
    src->length = form->shape[form->rank - 1];
    return HESSE_OK;
}

/* A mask has the shape of the ids, whose rows end in padding. */
static hesse_status open_mask(const hesse_data_options *o, hesse_stream *src,
                              hesse_why *why)
{
    const hesse_npy *form = &src->mask_form;
    size_t size;
    if (!o->mask && !o->padding) return HESSE_OK;
    if (!src->rows)
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: is one stream of tokens, and only rows have padding",
                          src->path);
    if (o->mask && o->padding)
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: a mask and the id of padding are given, expected one",
                          o->mask);
    src->padding = o->padding, src->mask_path = o->mask;
    if (!o->mask) return HESSE_OK;
    hesse_status s = hesse_file_open(o->mask, &src->mask, &size, why);
    if (!s) s = hesse_npy_header(src->mask, o->mask, size, &src->mask_form, why);
    if (s) return s;
    if (form->rank == 2 && !form->fortran && form->shape[1] == src->length &&
        form->count == src->count && strchr("iub", form->kind) && form->width <= 8)
        return HESSE_OK;
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: expected integers of the shape of the ids, %zu x %zu",
                      o->mask, src->count / src->length, src->length);
}

static hesse_status read_examples(const hesse_data_options *options,
                                  const hesse_data_needs *needs, hesse_batch *batch,
                                  hesse_why *why)
{
    hesse_stream src = {.path = options->paths[0]};
    const bool npy = hesse_file_ends_with(src.path, ".npy");
    size_t size;
    if (!npy && !hesse_file_ends_with(src.path, ".bin"))
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: expected a name ending in .npy or .bin; text is another "
                          "kind of data",
                          src.path);
    hesse_status s = hesse_file_open(src.path, &src.file, &size, why);
    if (!s)
        s = npy ? open_npy(size, &src, why)
                : hesse_bin_open(size, options->width, needs->vocabulary, &src, why);
    if (!s) s = open_mask(options, &src, why);
    if (!s) s = hesse_windows_read(options, needs, &src, batch, why);
    if (src.file) fclose(src.file);
    if (src.mask) fclose(src.mask);
    return s;
}
