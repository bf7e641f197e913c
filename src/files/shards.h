/** The files of one set of tensors. Their headers have been read, their data have
 * not. */
#ifndef HESSE_FILES_SHARDS_H
#define HESSE_FILES_SHARDS_H

#include "hesse/status.h"

#include <jansson.h>
#include <stddef.h>

typedef struct hesse_shard {
    char *path;
    const char *name;  /* the end of path, after its folder             */
    json_t *header;    /* tensors by name, and perhaps "__metadata__"   */
    size_t data, size; /* start of the data in the file; length of the file */
} hesse_shard;

typedef struct hesse_shards {
    size_t count;
    hesse_shard *list; /* in order of name */
    json_t *map;       /* names of tensors to names of shards; NULL: no index */
} hesse_shards;

/** Local. Find the files that a path stands for (hesse_safetensors_open says which) and
 *  read their headers.
 *  Errors: HESSE_E_INPUT, HESSE_E_NOMEM; shards must be freed after an error, too. */
hesse_status hesse_shards_open(const char *path, hesse_shards *shards, hesse_why *why);
void hesse_shards_free(hesse_shards *shards);

#endif /* HESSE_FILES_SHARDS_H */
