/* Which families of networks and kinds of data own a key: their rows say it. A key of the
   table that none of them owns belongs to all. */
#include "job/keys.h"

#include "network/families/families.h"

#include <string.h>

const hesse_owned_key *hesse_family_keys(int i, const char **name)
{
    const hesse_family *f = hesse_families[i];
    if (!f) return NULL;
    *name = f->name;
    return f->keys;
}

static const hesse_owned_key tokens_keys[] = {
    {"context", NULL}, {"mask_rate", NULL}, {"mask_id", NULL}, {NULL, NULL}};
static const hesse_owned_key text_keys[] = {{"vocabulary", "bytes"},
                                            {"context", NULL},
                                            {"mask_rate", NULL},
                                            {"mask_id", NULL},
                                            {NULL, NULL}};
static const hesse_owned_key texts_keys[] = {
    {"vocabulary", "bytes"}, {"context", NULL}, {NULL, NULL}};
static const hesse_owned_key inputs_keys[] = {
    {"labels", NULL}, {"targets", NULL}, {NULL, NULL}};
static const hesse_owned_key images_keys[] = {{"labels", NULL},
                                              {"size", NULL},
                                              {"classes", NULL},
                                              {"normalise", "unit"},
                                              {NULL, NULL}};
static const hesse_owned_key gaussian_keys[] = {
    {"features", "500"}, {"classes", "500"}, {NULL, NULL}};
static const hesse_owned_key clusters_keys[] = {
    {"features", "500"}, {"classes", "500"}, {"noise", "0.05"}, {NULL, NULL}};
static const hesse_owned_key regression_keys[] = {{"features", "5"},
                                                  {"examples", "20"},
                                                  {"covariates", "normal"},
                                                  {"shape", NULL},
                                                  {NULL, NULL}};
static const hesse_owned_key addition_keys[] = {{NULL, NULL}};
static const hesse_owned_key pathfinder_keys[] = {{"contour", "14"}, {NULL, NULL}};

const hesse_owned_key *hesse_kind_keys(int i, const char **name)
{
    static const struct {
        const char *name;
        const hesse_owned_key *keys;
    } kinds[] = {{"tokens", tokens_keys},     {"text", text_keys},
                 {"texts", texts_keys},       {"inputs", inputs_keys},
                 {"images", images_keys},     {"gaussian", gaussian_keys},
                 {"clusters", clusters_keys}, {"regression", regression_keys},
                 {"addition", addition_keys}, {"pathfinder", pathfinder_keys}};
    if (i >= (int)(sizeof kinds / sizeof *kinds)) return NULL;
    *name = kinds[i].name;
    return kinds[i].keys;
}

/* The lists that own keys of a section; NULL: all own them. */
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
        *standard = entry->value;
        return true;
    }
    return !owned;
}

void hesse_key_owners(const hesse_key *key, char text[200])
{
    owners *of = owners_of(key);
    const hesse_owned_key *list;
    const char *name;
    *text = '\0';
    for (int i = 0; of && (list = of(i, &name)); i++)
        if (entry_of(key, list)) {
            const size_t length = strlen(text);
            snprintf(text + length, 200 - length, "%s%s", length ? ", " : "", name);
        }
}
