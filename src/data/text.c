/* A text is a stream of tokens, which are its bytes or its characters. */
#include "data/characters.h"
#include "data/kinds.h"
#include "data/windows.h"

#include <stdlib.h>
#include <string.h>

static const hesse_owned_key keys[] = {{"vocabulary", "bytes"}, {"table", NULL},
                                       {"context", NULL},       {"mask_rate", NULL},
                                       {"mask_id", NULL},       {NULL, NULL}};

static hesse_data_reader read_examples;

const hesse_data_kind hesse_data_text = {.name = "text",
                                         .help = "UTF-8 text as bytes or characters.",
                                         .examples = 1 << HESSE_READS_IDS,
                                         .words = true,
                                         .least_paths = 1,
                                         .most_paths = 1,
                                         .keys = keys,
                                         .read = read_examples};

/* The digest of a text with a table is the digest of both digests. */
static hesse_status add_table(const char *table, char digest[HESSE_DIGEST_LENGTH],
                              hesse_why *why)
{
    char lines[2 * HESSE_DIGEST_LENGTH + 2], other[HESSE_DIGEST_LENGTH];
    const hesse_status s = hesse_digest_file(table, other, why);
    if (s) return s;
    snprintf(lines, sizeof lines, "%s\n%s\n", digest, other);
    hesse_digest(lines, strlen(lines), digest);
    return HESSE_OK;
}

static hesse_status read_examples(const hesse_data_options *options,
                                  const hesse_data_needs *needs, hesse_batch *batch,
                                  hesse_why *why)
{
    const bool characters = options->characters;
    const char *const table = options->table;
    hesse_stream src = {.path = options->paths[0],
                        .type = characters ? "characters" : "bytes",
                        .source = "the 256 bytes"};
    hesse_status s = HESSE_OK;
    if (table && !characters)
        s = hesse_fail(why, HESSE_E_JOB,
                       "%s: found a table of characters, expected characters as the "
                       "vocabulary of %s",
                       table, src.path);
    if (characters)
        snprintf(src.source, sizeof src.source, "the %s",
                 table ? "table of characters" : "characters of the text");
    if (!s)
        s = hesse_characters_read(src.path, characters, table, &src.ids, &src.count,
                                  &src.vocabulary, why);
    if (!s && !table)
        s = hesse_characters_check(src.path, characters ? "characters" : "bytes",
                                   src.vocabulary, needs, why);
    if (!s) s = hesse_windows_read(options, needs, &src, batch, why);
    if (!s && table) s = add_table(table, batch->digest, why);
    free(src.ids);
    return s;
}
