/* Tokens come from a .npy of integers, 1-d (a stream) or 2-d (sequences), or from
   a .bin (a stream of little-endian integers). */
#include "data/bin.h"
#include "data/kinds.h"
#include "data/windows.h"

#include "files/file.h"

static const hesse_owned_key keys[] = {{"width", NULL},
                                       {"context", NULL},
                                       {"mask_rate", NULL},
                                       {"mask_id", NULL},
                                       {NULL, NULL}};

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
    src->count = form->count;
    src->rows = form->rank == 2;
    src->length = form->shape[form->rank - 1];
    return HESSE_OK;
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
    if (!s) s = hesse_windows_read(options, needs, &src, batch, why);
    if (src.file) fclose(src.file);
    return s;
}
