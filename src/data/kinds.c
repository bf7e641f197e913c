/* Every kind's file defines its row; a new kind is declared here and added to the
   table. */
#include "data/kinds.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

extern const hesse_data_kind hesse_data_tokens, hesse_data_text, hesse_data_texts,
    hesse_data_inputs, hesse_data_images, hesse_data_gaussian, hesse_data_clusters,
    hesse_data_regression, hesse_data_addition, hesse_data_pathfinder,
    hesse_data_outputs, hesse_data_quadratic;

const hesse_data_kind *const hesse_data_kinds[] = {&hesse_data_tokens,
                                                   &hesse_data_text,
                                                   &hesse_data_texts,
                                                   &hesse_data_inputs,
                                                   &hesse_data_images,
                                                   &hesse_data_gaussian,
                                                   &hesse_data_clusters,
                                                   &hesse_data_regression,
                                                   &hesse_data_addition,
                                                   &hesse_data_pathfinder,
                                                   &hesse_data_outputs,
                                                   &hesse_data_quadratic,
                                                   NULL};

const hesse_data_kind *hesse_data_kind_named(const char *name)
{
    const hesse_data_kind *const *kind = hesse_data_kinds;
    while (*kind && strcmp((*kind)->name, name) != 0) kind++;
    return *kind;
}

static const hesse_owned_key *find(const hesse_data_kind *kind, const char *key)
{
    const hesse_owned_key *k = kind->keys;
    while (k->name && strcmp(k->name, key) != 0) k++;
    return k;
}

bool hesse_data_has(const hesse_data_kind *kind, const char *key)
{
    return find(kind, key)->name != NULL;
}

double hesse_data_default(const hesse_data_kind *kind, const char *key)
{
    const hesse_owned_key *k = find(kind, key);
    assert(k->name && k->standard);
    return strtod(k->standard, NULL);
}
