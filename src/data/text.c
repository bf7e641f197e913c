/* A text is a stream of tokens, which are its bytes or its characters. */
#include "data/characters.h"
#include "data/kinds.h"
#include "data/windows.h"

#include <stdlib.h>

static const hesse_owned_key keys[] = {{"vocabulary", "bytes"},
                                       {"context", NULL},
                                       {"mask_rate", NULL},
                                       {"mask_id", NULL},
                                       {NULL, NULL}};

static hesse_data_reader read_examples;

const hesse_data_kind hesse_data_text = {.name = "text",
                                         .help = "UTF-8 text as bytes or characters.",
                                         .examples = 1 << HESSE_READS_IDS,
                                         .words = true,
                                         .least_paths = 1,
                                         .most_paths = 1,
                                         .keys = keys,
                                         .read = read_examples};

static hesse_status read_examples(const hesse_data_options *options,
                                  const hesse_data_needs *needs, hesse_batch *batch,
                                  hesse_why *why)
{
    hesse_stream src = {.path = options->paths[0]};
    hesse_status s = hesse_characters_read(src.path, options->characters, &src.ids,
                                           &src.count, &src.vocabulary, why);
    if (!s) s = hesse_windows_read(options, needs, &src, batch, why);
    free(src.ids);
    return s;
}
