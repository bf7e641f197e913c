/* The rows of families of networks and of kinds of data list the keys that they own. A
   key of the table that none of them owns belongs to all. */
#include "job/keys.h"

#include "data/kinds.h"
#include "network/families/families.h"

#include <string.h>

const hesse_owned_key *hesse_family_keys(int i, const char **name)
{
    const hesse_family *f = hesse_families[i];
    if (!f) return NULL;
    *name = f->name;
    return f->keys;
}

const hesse_owned_key *hesse_kind_keys(int i, const char **name)
{
    const hesse_data_kind *k = hesse_data_kinds[i];
    if (!k) return NULL;
    *name = k->name;
    return k->keys;
}

/* A function that gives the lists of owned keys of a section; NULL: its keys belong to
   all. */
typedef const hesse_owned_key *owners(int i, const char **name);

static owners *owners_of(const hesse_key *key)
{
    return strncmp(key->path, "model.", 6) == 0  ? hesse_family_keys
           : strncmp(key->path, "data.", 5) == 0 ? hesse_kind_keys
                                                 : NULL;
}

static const hesse_owned_key *entry_of(const hesse_key *key,
                                       const hesse_owned_key *list)
{
    const char *name = strchr(key->path, '.') + 1;
    while (list->name && strcmp(list->name, name) != 0) list++;
    return list->name ? list : NULL;
}

bool hesse_key_is_of(const hesse_key *key, const char *owner, const char **standard)
{
    owners *of = owners_of(key);
    const hesse_owned_key *list;
    const char *name;
    bool owned = false;
    *standard = key->standard;
    for (int i = 0; of && (list = of(i, &name)); i++) {
        const hesse_owned_key *entry = entry_of(key, list);
        owned |= entry != NULL;
        if (!entry || strcmp(name, owner) != 0) continue;
        *standard = entry->standard;
        return true;
    }
    return !owned;
}

static bool is_decoder(owners *of, int i)
{
    return of == hesse_family_keys && hesse_families[i]->decoder;
}

static bool all_decoders(owners *of, const hesse_key *key)
{
    const hesse_owned_key *list;
    const char *name;
    bool all = of == hesse_family_keys;
    for (int i = 0; of && (list = of(i, &name)); i++)
        all &= !is_decoder(of, i) || entry_of(key, list);
    return all;
}

void hesse_key_owners(const hesse_key *key, char text[HESSE_OWNERS])
{
    owners *of = owners_of(key);
    const hesse_owned_key *list;
    const char *name;
    bool together = all_decoders(of, key);
    size_t length = 0;
    *text = '\0';
    if (together) length += (size_t)snprintf(text, HESSE_OWNERS, "all decoders");
    for (int i = 0; of && (list = of(i, &name)); i++) {
        if (!entry_of(key, list) || (together && is_decoder(of, i))) continue;
        length += (size_t)snprintf(text + length, HESSE_OWNERS - length, "%s%s",
                                   length ? ", " : "", name);
    }
}
